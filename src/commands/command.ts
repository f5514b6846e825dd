import type { StepResult } from '../apply/pipeline.js';
import type { Drivers } from '../drivers/drivers.js';
import type { Reporter } from '../report/reporter.js';
import type { Check } from '../verify/model.js';

/** What every command is handed. */
export interface Context {
  readonly drivers: Drivers;
  readonly reporter: Reporter;
  /** Comes with Ctrl-C and its like. */
  readonly signal: AbortSignal;
  /** What the command found out about itself, for the document of a failure. */
  readonly about: { lab: string | null };
  /** Programs read the output. */
  readonly json: boolean;
}

/** What a command leaves: a part of the one JSON document, and its exit code. Checks are a lab's, or the doctor's of a host. */
export interface Outcome<C = Check> {
  readonly lab?: string | null;
  readonly steps?: readonly StepResult[];
  readonly checks?: readonly C[];
  /** Further members of the document. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** 0 unless said otherwise. */
  readonly exitCode?: number;
}
