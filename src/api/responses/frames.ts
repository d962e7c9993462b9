/** Server-sent events, each with its number. */

export class FrameWriter {
  #number = 0;
  #written = '';

  /** `fields`: the event's fields as JSON, without the braces; empty where it has none. */
  write(type: string, fields: string): void {
    const rest = fields === '' ? '' : `,${fields}`;
    this.#written += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#number}${rest}}\n\n`;
    this.#number += 1;
  }

  /** Nothing follows. */
  done(): void {
    this.#written += 'data: [DONE]\n\n';
  }

  /** What has been written since the last time. */
  take(): string {
    const written = this.#written;
    this.#written = '';
    return written;
  }
}
