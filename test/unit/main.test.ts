import { afterEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from '../../src/main.js';

afterEach(() => vi.restoreAllMocks());

/** What a verb says when it is interrupted, once and again. */
async function interrupted(verb: string): Promise<string> {
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    said += text;
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await runCommand(verb, { quiet: true }, async ({ about, signal }) => {
    about.lab = 'home';
    // No signal is sent: the runner of the tests would hear it too.
    const handler = process.listeners('SIGINT').at(-1);
    handler?.('SIGINT');
    handler?.('SIGINT');
    expect(signal.aborted).toBe(true);
    return {};
  });
  return said;
}

describe('an interrupted verb', () => {
  test.each(['verify', 'status', 'plan', 'doctor'])(
    '%s changes nothing, and says that it stops',
    async verb => {
      expect(await interrupted(verb)).toBe('\nInterrupted: stopping, please wait.\n\nStill stopping.\n');
    },
  );

  test('provision says that it undoes, and how that can be finished', async () => {
    expect(await interrupted('provision')).toBe(
      '\nInterrupted: putting the host back, please wait.\n\nStill putting the host back. Should this be killed, finish with: vmnet recover home\n',
    );
  });
});
