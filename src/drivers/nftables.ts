import { type ChildProcess, spawn } from 'node:child_process';
import { VmnetError } from '../errors.js';
import type { Run, Trace } from './run.js';
import type { RunScript, ScriptOptions } from './scripts.js';

export interface Nftables {
  /** The whole ruleset. */
  ruleset(): Promise<readonly Record<string, unknown>[]>;
  /**
   * Every set with its elements and their counters: one process. Not by table: nft 1.0.6 prints a table with
   * `flags owner` as broken JSON.
   */
  sets(): Promise<readonly Record<string, unknown>[]>;
  /** Chains of all tables, without their rules. */
  chains(): Promise<readonly Record<string, unknown>[]>;
  /** Run a script as one transaction: all of it takes effect, or nothing. */
  apply(script: string, options?: ScriptOptions): Promise<void>;
  /** Load tables that vanish with us, see {@link OwnedTables}. */
  own(script: string): Promise<OwnedTables>;
}

/**
 * Tables with `flags owner`: the kernel deletes them when the netlink socket that made them is closed, so they
 * cannot outlive us, not even after kill -9. The socket belongs to an `nft --interactive` that reads our pipe.
 */
export interface OwnedTables {
  close(): Promise<void>;
}

export function makeNftables(run: Run, runScript: RunScript, trace: Trace): Nftables {
  const json = async (args: readonly string[]) => {
    const { stdout } = await run('nft', ['-j', ...args]);
    return (JSON.parse(stdout) as { nftables: Record<string, unknown>[] }).nftables;
  };
  return {
    ruleset: () => json(['list', 'ruleset']),
    sets: () => json(['list', 'sets']),
    chains: () => json(['list', 'chains']),
    async apply(script, options) {
      const result = await runScript('nft', ['-f'], script, options);
      if (result.exitCode !== 0) throw notApplied(result.stderr);
    },
    own: script => ownTables(script, trace),
  };
}

/** A table whose appearance in the answer shows that all lines before it have run; unique to this process. */
const LOADED = `vmnet_loaded_${process.pid}`;

async function ownTables(script: string, trace: Trace): Promise<OwnedTables> {
  const started = performance.now();
  // Interactive nft asks terminfo, and complains on stderr of a terminal that it does not know.
  const child = spawn('nft', ['-i'], {
    env: { ...process.env, TERM: 'dumb' },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const gone = new Promise<void>(resolve => child.once('close', () => resolve()));
  try {
    await loaded(child, script);
  } catch (error) {
    child.stdin.end();
    await gone;
    throw error;
  } finally {
    trace({ what: 'nft -i', detail: script, ms: performance.now() - started, outcome: 'loaded' });
  }
  return {
    async close() {
      child.stdin.end();
      await gone;
    },
  };
}

/** Feed the script and wait until nft has answered the question behind it: then every line before has run. */
function loaded(child: ChildProcess, script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaints = '';
    let answers = '';
    const timer = setTimeout(
      () => reject(new VmnetError('timeout', 'nft did not load the counters in 20 s')),
      20_000,
    );
    const settle = (error: VmnetError | null) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    const failed = () => settle(nftFailed(complaints));
    child.stderr?.on('data', chunk => {
      complaints += chunk;
    });
    child.stdout?.on('data', chunk => {
      answers += chunk;
      if (!answers.includes(`table inet ${LOADED}`)) return;
      if (complaints) failed();
      else settle(null);
    });
    child.once('error', error =>
      settle(
        new VmnetError(
          'missing-tool',
          'the program nft is not installed',
          'Install it: apt-get install nftables',
          error,
        ),
      ),
    );
    child.once('close', failed);
    child.stdin?.on('error', () => {}); // nft ended early: `close` says why
    // Interactive nft takes one whole command a line.
    child.stdin?.write(`${script}\nadd table inet ${LOADED} { flags owner; }\nlist tables inet\n`);
  });
}

/** nft quotes the line, and marks the place below it; one complaint is enough. */
function notApplied(stderr: string): VmnetError {
  const [complaint = 'no reason given', line = ''] = stderr.trim().split('\n');
  const what = complaint.replace(/^\S*?:\d+:\d+(-\d+)?: (Error: )?/, '');
  return /Operation not permitted/.test(complaint)
    ? new VmnetError('permission', `nft: ${what}`, 'Run vmnet as root (sudo) or with CAP_NET_ADMIN.')
    : new VmnetError('command-failed', `nft: ${what}${line && ` in \`${line.trim()}\``}`);
}

function nftFailed(complaints: string): VmnetError {
  const first =
    complaints.trim().split('\n').slice(0, 3).join(' ').slice(0, 200) || 'it ended without a word';
  return /Operation not permitted/.test(complaints)
    ? new VmnetError('permission', `nft could not load the counters: ${first}`, 'Run vmnet as root (sudo).')
    : new VmnetError(
        'command-failed',
        `nft could not load the counters: ${first}`,
        'The path proof needs nftables with `flags owner` (Linux 5.12, nft 0.9.9).',
      );
}
