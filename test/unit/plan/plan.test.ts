import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VmnetError } from '../../../src/errors.js';
import { type DestroyOptions, planDestroy } from '../../../src/plan/destroy.js';
import { type PlanOptions, planProvision } from '../../../src/plan/plan.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { STATE_DIR } from '../../fakes/host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';
import { planText } from '../../fakes/plan-text.js';

const FOLDER = new URL('../../fixtures/plan/', import.meta.url);
const CASES = readdirSync(FOLDER);

/** case.json, where a case is not a plain provision: what would be on the command line. */
interface Case extends PlanOptions, DestroyOptions {
  readonly verb?: 'provision' | 'destroy';
  readonly networkOnly?: boolean;
}

const read = (name: string, file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');

async function outcome(name: string, hasCase: boolean): Promise<unknown> {
  const options: Case = hasCase ? JSON.parse(read(name, 'case.json')) : {};
  const lab = labFrom(read(name, 'lab.json'));
  const host = (await hostFrom(JSON.parse(read(name, 'host.json')))).observe();
  const context = options.networkOnly ? null : renderContext(lab, host);
  try {
    return planText(
      options.verb === 'destroy'
        ? planDestroy(lab.name, host, STATE_DIR, options)
        : planProvision(lab, host, context, options),
    );
  } catch (error) {
    if (!(error instanceof VmnetError)) throw error;
    return { error: { code: error.code, message: error.message, hint: error.hint } };
  }
}

describe('plans', () => {
  test('there are cases', () => expect(CASES.length).toBeGreaterThan(25));

  test.each(CASES)('%s', async name => {
    const files = readdirSync(new URL(`${name}/`, FOLDER)).sort();
    const hasCase = files[0] === 'case.json';
    expect(files).toEqual([...(hasCase ? ['case.json'] : []), 'expected.json', 'host.json', 'lab.json']);
    expect(await outcome(name, hasCase)).toEqual(JSON.parse(read(name, 'expected.json')));
  });
});
