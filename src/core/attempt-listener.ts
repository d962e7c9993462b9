/** Notified when a model has been asked and is waited for, and when that has failed: what follows is no such wait. */
export interface AttemptListener {
  attemptStarted(): void;
  attemptFailed(): void;
}
