import { VmnetError } from '../errors.js';
import { type Problem, problemLine } from './problem.js';
import { quotePath } from './quote.js';

/** How many problems the hint lists; `problems` has them all. */
const SHOWN = 40;

/** A lab file that cannot be used, with everything that is wrong with it. */
export class LabError extends VmnetError {
  /** In the order of the file; never empty. */
  readonly problems: readonly Problem[];

  constructor(message: string, hint: string, problems: readonly Problem[], cause?: unknown) {
    super('bad-lab', message, hint, cause);
    this.problems = problems;
  }
}

/** For a file that was read: one line of hint a problem. */
export function invalidLab(file: string, problems: readonly Problem[]): LabError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const lines = problems.slice(0, SHOWN).map(problemLine);
  const rest = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [];
  return new LabError(
    `the lab file ${quotePath(file)} has ${count}`,
    [...lines, ...rest].join('\n'),
    problems,
  );
}

/** For a file that could not be read. */
export function unreadableLab(file: string, reason: string, fix: string, cause?: unknown): LabError {
  const message = `the lab file ${quotePath(file)} ${reason}`;
  return new LabError(message, fix, [{ path: '', where: '', line: 1, column: 1, message, fix }], cause);
}
