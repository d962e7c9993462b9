import type { Report } from '../chat.ts';

/** Collects, while a request is fitted to a model, what had no effect and what was changed. */
export class Reporter {
  readonly #ignored = new Set<string>();
  readonly #adjusted = new Set<string>();

  ignore(parameter: string): void {
    this.#ignored.add(parameter);
  }

  adjust(parameter: string): void {
    this.#adjusted.add(parameter);
  }

  toReport(): Report {
    return { ignored: [...this.#ignored], adjusted: [...this.#adjusted] };
  }
}
