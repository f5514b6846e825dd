import type { LabRecord } from '../host/model.js';
import type { Action } from './model/action.js';

export type * from './model/action.js';
export type * from './model/guest.js';

/**
 * What will be done, as plain data: `plan` prints it, `apply` executes it, and an undo is part of each step,
 * computed from what was observed before anything changed.
 */
export interface Plan {
  readonly lab: string;
  readonly verb: 'provision' | 'destroy';
  /** In order; phases without a step are left out. */
  readonly phases: readonly Phase[];
  /** What the user should know although no step does it. */
  readonly notes: readonly string[];
  /** Uplinks whose addresses and routes move to a bridge in this plan. */
  readonly moves: readonly { readonly from: string; readonly to: string }[];
  /** Files and folders of guests that are gone, removed when everything else went well. */
  readonly garbage: readonly string[];
  /** Written down before the first step; null where the lab's record goes away at the end. */
  readonly record: LabRecord | null;
}

export type PhaseName =
  | 'remove'
  | 'rules'
  | 'bridge'
  | 'uplink'
  | 'taps'
  | 'namespaces'
  | 'services'
  | 'domains'
  | 'start'
  | 'guests';

export interface Phase {
  readonly name: PhaseName;
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Step {
  /** `create tap web-k3x9ab (web, NIC 0)` */
  readonly title: string;
  /** Why it is needed, as a half-sentence. */
  readonly why: string;
  /** By which others of its phase call it: a VM's. */
  readonly name?: string;
  /** Steps of its phase that are over before this one begins, each with what is waited for, such as `db (tcp:5432)`. */
  readonly after?: readonly { readonly name: string; readonly what: string }[];
  readonly do: readonly Action[];
  /** In the order to run them. Each must be harmless where its step took no effect. */
  readonly undo: readonly Action[];
}

/** Number of steps in all phases. */
export const stepCount = (plan: Plan): number =>
  plan.phases.reduce((sum, phase) => sum + phase.steps.length, 0);
