import { VmnetError } from '../errors.js';

/** Something that keeps a plan from being made. */
export interface PlanProblem {
  /** `bad-lab`: the lab does not fit this host. `conflict`: something that is not ours is in the way. */
  readonly code: 'bad-lab' | 'conflict';
  /** Names the object. */
  readonly message: string;
  readonly fix: string;
}

/** All that keeps a plan from being made. */
export class PlanError extends VmnetError {
  constructor(
    code: PlanProblem['code'],
    message: string,
    hint: string,
    readonly problems: readonly PlanProblem[],
  ) {
    super(code, message, hint);
  }
}

/** Throw all problems as one error; a lab that does not fit outranks a conflict. */
export function throwProblems(lab: string, problems: readonly PlanProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const code = problems.some(problem => problem.code === 'bad-lab') ? 'bad-lab' : 'conflict';
  if (problems.length === 1) throw new PlanError(code, first.message, first.fix, problems);
  const lines = problems.map(problem => `${problem.message}. ${problem.fix}`);
  throw new PlanError(
    code,
    `the lab ${lab} cannot be applied: ${problems.length} problems`,
    lines.join('\n'),
    problems,
  );
}
