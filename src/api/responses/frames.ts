/** Events as they are written: each with its number, for server-sent events or for a WebSocket. */

/** How an event is put on the wire. */
export interface Framing {
  /** What stands before the JSON of an event. */
  begin(type: string): string;
  readonly end: string;
  /** What says that nothing follows. */
  readonly done: string;
}

export const serverSentEvents: Framing = {
  begin: (type) => `event: ${type}\ndata: `,
  end: '\n\n',
  done: 'data: [DONE]\n\n',
};

export class FrameWriter {
  readonly #framing: Framing;
  #number = 0;
  #written = '';

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** `fields`: the event's fields as JSON, without the braces; empty where it has none. */
  write(type: string, fields: string): void {
    const { begin, end } = this.#framing;
    const rest = fields === '' ? '' : `,${fields}`;
    this.#written += `${begin(type)}{"type":"${type}","sequence_number":${this.#number}${rest}}${end}`;
    this.#number += 1;
  }

  done(): void {
    this.#written += this.#framing.done;
  }

  /** What has been written since the last time. */
  take(): string {
    const written = this.#written;
    this.#written = '';
    return written;
  }
}
