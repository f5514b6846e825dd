import { atIndex, costOf, INDEX, LONGEST, type OwnText, ownTexts } from './copies.js';
import type { Report } from './problem.js';
import { quote } from './quote.js';
import type { LooseVm } from './rules/walk.js';

/** VMs, NICs and addresses that the counts of a lab may make together: some 2000 VMs, and a hostile file costs no more. */
const MOST = 8192;

export interface Copy {
  readonly name: string;
  /** From 1: the address that ends in 0 is mostly that of the subnet. */
  readonly index: number;
}

/** What the counts of a lab may still make. */
export interface Budget {
  left: number;
}

export const fullBudget = (): Budget => ({ left: MOST });

/** A VM that stands for itself: neither a count, nor a text that asks for one. */
export const isSingle = (key: string, vm: LooseVm) => !('count' in vm) && indexed(key, vm).length === 0;

const isIndexed = ({ what, text }: OwnText) => what !== 'mac' && text.includes(INDEX);
const indexed = (key: string, vm: LooseVm) => ownTexts(key, vm).filter(isIndexed);

/** The VMs that one stands for. Where its count is at fault it is one, so that the rules see the rest of it. */
export function copiesOf(key: string, vm: LooseVm, budget: Budget, report: Report): Copy[] {
  const hasFault = tellUnnumbered(key, vm, report);
  const count = hasFault ? 1 : affordable(key, vm, budget, report);
  if (count > 1) tellShared(key, vm, count, report);
  return Array.from({ length: count }, (_, n) => ({ name: atIndex(key, n + 1), index: n + 1 }));
}

/** A count and its `{index}` come together. */
function tellUnnumbered(key: string, vm: LooseVm, report: Report): boolean {
  if (!('count' in vm)) {
    for (const { path, what, text } of indexed(key, vm)) {
      const message = `the ${what} ${quote(text)} has ${INDEX} in it, but VM ${quote(key)} has no count`;
      const fix = `add "count", the number of such VMs, or write the ${what} out`;
      report(path, message, fix, what === 'name' ? 'key' : 'value');
    }
    return true;
  }
  if (key.includes(INDEX)) return false;
  const message = `VM ${quote(key)} has a count, but no ${INDEX} in its name`;
  report(['vms', key], message, `name it ${quote(numbered(key))}, where ${INDEX} counts from 1`, 'key');
  return true;
}

/** The name with an index, in the place of what was meant as one, such as `${i}`. */
function numbered(name: string): string {
  const meant = /[$%#]?\{+[^{}]*\}+/;
  return meant.test(name) ? name.replace(meant, INDEX) : `${name}-${INDEX}`;
}

/** The count, or 1 where this one is not known or would make too much, or where what is counted is refused anyway. */
function affordable(key: string, vm: LooseVm, budget: Budget, report: Report): number {
  const isRefused = ownTexts(key, vm).some(({ text }) => text.length > LONGEST);
  const count = isRefused ? 1 : (vm.count ?? 1);
  const cost = count * costOf(vm);
  if (count === 1 || cost <= budget.left) {
    budget.left -= count === 1 ? 0 : cost;
    return count;
  }
  const message = `the count ${count} would bring the lab to more than ${MOST} VMs, NICs and addresses made by counts`;
  report(['vms', key, 'count'], message, 'lower the counts, or make several labs');
  return 1;
}

/** What is written once for several VMs, though each needs its own. */
function tellShared(key: string, vm: LooseVm, count: number, report: Report): void {
  for (const own of ownTexts(key, vm)) {
    if (isIndexed(own)) continue;
    const { what, text, path } = own;
    const message = `VM ${quote(key)} is ${count} VMs, which cannot share the ${what === 'mac' ? 'MAC' : what} ${quote(text)}`;
    report(path, message, FIXES[what]);
  }
}

const FIXES: Readonly<Record<OwnText['what'], string>> = {
  name: `write ${INDEX} into it`,
  domain: `write ${INDEX} into it, such as "db-${INDEX}", or write the VMs out`,
  mac: 'leave "mac" out to have one derived for each, or write the VMs out',
  tap: `write ${INDEX} into it, such as "tap-${INDEX}", or leave "tap" out to have one derived for each`,
  address: `write ${INDEX} into it, such as "192.168.1.5${INDEX}/24" or "fd00::5${INDEX}/64"`,
};
