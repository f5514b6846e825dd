import { describe, expect, test } from 'vitest';
import { reactivate, tellManager } from '../../../src/apply/managers.js';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { VmnetError } from '../../../src/errors.js';
import { FakeHost } from '../../fakes/host.js';
import { fakeRun } from '../../fakes/run.js';

const DOWN = { exitCode: 8, stderr: 'Error: NetworkManager is not running.' };

/** A host where these programs run, and commands answer so. */
function hostWith(comms: readonly string[], answer: (command: string) => object = () => ({})) {
  const host = new FakeHost();
  const files: string[] = [];
  const { run, calls } = fakeRun(answer);
  const drivers = {
    ...host.drivers,
    files: {
      ...host.drivers.files,
      write: async (path: string) => void files.push(`write ${path}`),
      remove: async (path: string) => void files.push(`remove ${path}`),
    },
    processes: {
      ...host.drivers.processes,
      named: async (wanted: readonly string[]) =>
        comms.filter(comm => wanted.includes(comm)).map(comm => ({ comm })),
    },
    run: async (...[file, args, options]: Parameters<Drivers['run']>) => {
      const result = await run(file, args, options);
      if (result.exitCode !== 0 && !options?.allowFailure)
        throw new VmnetError('command-failed', `${file}: ${result.stderr}`, 'look');
      return result;
    },
  } as unknown as Drivers;
  return { drivers, files, commands: () => calls.map(({ command }) => command) };
}

describe('a manager that is told', () => {
  const tell = {
    kind: 'tell',
    path: '/run/NetworkManager/conf.d/90-vmnet-l.conf',
    text: 'managed=0',
    reload: ['nmcli', 'general', 'reload', 'conf'],
  } as const;

  test('and runs, has to hear it', async () => {
    const { drivers } = hostWith(['NetworkManager'], () => DOWN);
    await expect(tellManager(tell, drivers, { undoing: false })).rejects.toMatchObject({
      code: 'command-failed',
    });
  });

  test.each([
    ['and has ended, reads it when it starts again', { ...tell }, [], false],
    ['finds our word gone, and may refuse to hear of it', { ...tell, text: null }, ['NetworkManager'], false],
    ['may refuse to hear of an undo', { ...tell }, ['NetworkManager'], true],
    [
      'is asked by its own name',
      { ...tell, reload: ['networkctl', 'reload'] as const },
      ['NetworkManager'],
      false,
    ],
  ])('%s', async (_, action, comms, undoing) => {
    const { drivers, files } = hostWith(comms, () => DOWN);
    await tellManager(action, drivers, { undoing });
    expect(files).toEqual([`${action.text === null ? 'remove' : 'write'} ${tell.path}`]);
  });

  test('where it is systemd, has to hear it', async () => {
    const { drivers } = hostWith([], () => DOWN);
    const reload = ['systemctl', 'daemon-reload'] as const;
    await expect(tellManager({ ...tell, reload }, drivers, { undoing: false })).rejects.toThrow('systemctl');
  });
});

describe('NetworkManager activates its connection again', () => {
  const argv = 'nmcli --wait 15 connection up uuid 6e1b ifname eth0'.split(' ');
  const action = { kind: 'reactivate', dev: 'eth0', argv } as const;
  const show = 'nmcli -g GENERAL.STATE device show eth0';

  async function run(comms: readonly string[], state: string, up: object = {}) {
    const host = hostWith(comms, command => (command === show ? { stdout: state } : up));
    const told: string[] = [];
    await reactivate(action, host.drivers, { tell: line => void told.push(line) });
    return { commands: host.commands(), told };
  }

  test('where it lets the device be', async () =>
    expect(await run(['NetworkManager'], '10 (unmanaged)\n')).toEqual({
      commands: [show, argv.join(' ')],
      told: [],
    }));

  test('but not where it has looked after it all the time', async () =>
    expect((await run(['NetworkManager'], '100 (connected)\n')).commands).toEqual([show]));

  test('nor where it does not run', async () => expect((await run([], '')).commands).toEqual([]));

  test('and what it cannot is told', async () =>
    expect(
      (await run(['NetworkManager'], '10 (unmanaged)\n', { exitCode: 10, stderr: 'gone' })).told,
    ).toEqual(['NetworkManager does not look after eth0 again: gone']));
});
