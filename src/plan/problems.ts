import { VmnetError } from '../errors.js';

/** Something that keeps a plan from being made. */
export interface PlanProblem {
  /** `bad-lab`: the lab does not fit this host. `conflict`: something that is not ours is in the way. */
  readonly code: 'bad-lab' | 'conflict';
  /** Names the object. */
  readonly message: string;
  readonly fix: string;
}

/** Throw all problems as one error; a lab that does not fit outranks a conflict. */
export function throwProblems(lab: string, problems: readonly PlanProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const code = problems.some(problem => problem.code === 'bad-lab') ? 'bad-lab' : 'conflict';
  if (problems.length === 1) throw new VmnetError(code, first.message, first.fix);
  const lines = problems.map(problem => `${problem.message}. ${problem.fix}`);
  throw new VmnetError(
    code,
    `the lab ${lab} cannot be applied: ${problems.length} problems`,
    lines.join('\n'),
  );
}
