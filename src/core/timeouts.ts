/** Upstream waits, in ms. */
export interface Timeouts {
  readonly connect: number;
  /** Of a stream: until its first event, and between events. */
  readonly firstByte: number;
  readonly idle: number;
  /** A plain call in all, retries and body included. */
  readonly total: number;
  /** A stream in all. */
  readonly stream: number;
}
