import type { ParameterNames, Report } from '../core/report.ts';

/** Characters. Names of unknown fields are the client's, and end up in headers and the log. */
const longestName = 100;

/** Collects, while a request is fitted to a model, what had no effect and what was changed. */
export class Reporter {
  readonly #ignored = new Set<string>();
  readonly #adjusted = new Set<string>();
  readonly #names: ParameterNames;

  constructor(names: ParameterNames) {
    this.#names = names;
  }

  /** What the client's API calls it. */
  nameOf(concept: keyof ParameterNames): string {
    return this.#names[concept];
  }

  ignore(parameter: string): void {
    this.#ignored.add(parameter.slice(0, longestName));
  }

  adjust(parameter: string): void {
    this.#adjusted.add(parameter);
  }

  toReport(): Report {
    return { ignored: [...this.#ignored], adjusted: [...this.#adjusted] };
  }
}
