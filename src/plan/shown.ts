import type { Action, Phase } from './model.js';

const NOT_SHOWN = 'not shown: it may hold passwords; vmnet xml prints what would be defined';

/** The phases of a plan as programs are shown them: without the words of others, which may hold secrets. */
export const shownPhases = (phases: readonly Phase[]): Phase[] =>
  phases.map(phase => ({
    ...phase,
    steps: phase.steps.map(step => ({
      ...step,
      do: step.do.map(action => ('from' in action ? hidden(action) : action)),
      // As libvirt had it: somebody may have edited it.
      undo: step.undo.map(hidden),
    })),
  }));

const hidden = (action: Action): Action =>
  action.kind === 'define' ? { ...action, xml: NOT_SHOWN } : action;
