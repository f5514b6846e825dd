interface Phase {
  readonly steps: readonly {
    readonly do: readonly {
      readonly kind: string;
      readonly family?: number;
      readonly lines?: readonly string[];
    }[];
  }[];
}

/** How many lines each `ip -batch` of a plan has: neighbouring actions of one kind are joined within a phase. */
export const linesOfBatches = (phases: readonly Phase[]): number[] => phases.flatMap(linesOfPhase);

function linesOfPhase(phase: Phase): number[] {
  const counts: number[] = [];
  let last: string | null = null;
  for (const action of phase.steps.flatMap(step => step.do)) {
    const key = action.kind === 'ip' ? `ip ${action.family}` : null;
    const lines = action.lines?.length ?? 0;
    if (key !== null && key === last) counts[counts.length - 1] = (counts.at(-1) ?? 0) + lines;
    else if (key !== null) counts.push(lines);
    last = key;
  }
  return counts;
}
