/** An upstream's answer that is no success. Each wire writes it in its own shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly headers: Record<string, string>;

  constructor(status: number, type: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.headers = headers;
  }
}

/** 400 of the Messages schema; Bedrock shows the same text inside a ValidationException. */
export const refuse = (message: string): never => {
  throw new Refusal(400, 'invalid_request_error', message);
};

export const refuseAws = (message: string): never => {
  throw new Refusal(400, 'ValidationException', message);
};
