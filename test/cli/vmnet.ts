import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe } from 'vitest';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const TEMPLATES = new URL('../../templates/labs/', import.meta.url);

/** A program's end. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as the one document that `--json` prints; throws where it is anything else. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at members of many shapes
  readonly json: any;
}

/** Where and as whom a command runs. */
export interface Place {
  /** Command that runs what follows it, such as `nsenter …`. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Run the built vmnet to its end. */
export const vmnet = (words: readonly string[], place: Place = {}): Promise<Ended> =>
  run([process.execPath, CLI, ...words], place);

/** The same, for words without spaces in them. */
export const sh = (line: string, place: Place = {}): Promise<Ended> => run(['sh', '-c', line], place);

/** Run a program to its end; it gets no input. */
export function run(words: readonly string[], { through = [], env, cwd }: Place = {}): Promise<Ended> {
  const [file = '', ...args] = [...through, ...words];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', chunk => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', chunk => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', code =>
      resolve({
        code,
        stdout,
        stderr,
        get json() {
          return parsed(stdout, stderr);
        },
      }),
    );
  });
}

function parsed(stdout: string, stderr: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`stdout is not one JSON document:\n${stdout}\n--- stderr:\n${stderr}`);
  }
}

/** A folder of a test's own, gone after it. Everybody may enter it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'cli-'));

  constructor() {
    chmodSync(this.path, 0o755);
  }

  /** Path of a file in it; with `content`, written: objects as JSON. */
  file(name: string, content?: string | Uint8Array | object): string {
    const path = join(this.path, name);
    if (content !== undefined) {
      const raw = typeof content === 'string' || content instanceof Uint8Array;
      writeFileSync(path, raw ? content : JSON.stringify(content));
    }
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A lab without guests: `--network-only` needs nothing more. */
export const plainLab = (bridge: object = {}, more: object = {}) => ({
  version: 1,
  name: 'plain',
  bridges: { brt0: bridge },
  ...more,
});

export const templateFile = (name: string) => fileURLToPath(new URL(`${name}.json`, TEMPLATES));

/** Characters that a terminal would act upon, the line feed apart. */
export const hasControl = (text: string) =>
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(text);

/** What keeps this process from making namespaces, if so. */
function whyNot(): string | null {
  if (process.getuid?.() !== 0) return 'they need root';
  const tried = spawnSync('unshare', ['--net', '--mount', 'true'], { encoding: 'utf8' });
  return tried.status === 0 ? null : `unshare: ${tried.error?.message ?? tried.stderr.trim()}`;
}

/** Tests that make namespaces. Where that cannot be had they are skipped, aloud; in CI they fail. */
export function describeRoot(title: string, body: () => void): void {
  const why = whyNot();
  if (why === null) return void describe(title, body);
  if (!process.env.CI) {
    console.warn(`skipped: ${title}: ${why}`);
    return void describe.skip(title, body);
  }
  describe(title, () => {
    beforeAll(() => {
      throw new Error(`in CI these tests must run, but ${why}`);
    });
    body();
  });
}

/**
 * An empty network of a test's own, with a private and empty /run: no libvirtd answers there. It is gone with its
 * only process.
 */
export class Namespace {
  readonly through: readonly string[];

  private constructor(
    private readonly holder: ChildProcess,
    readonly state: string,
  ) {
    this.through = [
      'nsenter',
      `--net=/proc/${holder.pid}/ns/net`,
      `--mount=/proc/${holder.pid}/ns/mnt`,
      '--',
    ];
  }

  /** `state` is the folder for VMNET_STATE_DIR inside. */
  static async up(state: string): Promise<Namespace> {
    // Without link-local addresses nothing changes by itself.
    const ready = [
      'mount -t tmpfs none /run',
      'ip link set lo up',
      'echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode',
      'echo ready',
      'exec sleep 600',
    ].join(' && ');
    const holder = spawn('unshare', ['--net', '--mount', 'sh', '-c', ready], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout?.once('data', () => resolve());
      holder.once('error', reject);
      holder.once('close', code => reject(new Error(`no namespace: unshare ended with ${code}`)));
    });
    return new Namespace(holder, state);
  }

  down(): Promise<void> {
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return Promise.resolve();
    return new Promise(resolve => {
      this.holder.once('close', () => resolve());
      this.holder.kill('SIGKILL');
    });
  }

  get place(): Place {
    return { through: this.through, env: { VMNET_STATE_DIR: this.state, LIBVIRT_DEFAULT_URI: '' } };
  }

  vmnet(...words: string[]): Promise<Ended> {
    return vmnet(words, this.place);
  }

  /** The same with a standard output whose other end closes after the first line. */
  vmnetUnread(...words: string[]): Promise<Ended> {
    const quoted = words.map(word => `'${word}'`).join(' ');
    const line = `{ '${process.execPath}' '${CLI}' ${quoted}; echo $? >&3; } 3>'${this.state}.exit' | head -1 >/dev/null; read code <'${this.state}.exit'; rm '${this.state}.exit'; exit $code`;
    return sh(line, this.place);
  }

  /** Run `ip` once a line; a failure throws. */
  async ip(...lines: string[]): Promise<void> {
    for (const line of lines) {
      const { code, stderr } = await run(['ip', ...line.split(' ')], this.place);
      if (code !== 0) throw new Error(`ip ${line}: ${stderr}`);
    }
  }

  /** Everything that a provision could have changed, a line each. */
  async snapshot(): Promise<string[]> {
    const lines = [
      'ip -d addr',
      'ip route show table all',
      'ip -6 route show table all',
      'ip rule',
      'nft list ruleset',
      'grep -H . /proc/sys/net/ipv6/conf/*/accept_dad /proc/sys/net/ipv6/conf/*/addr_gen_mode',
      `find ${this.state} 2>&1`,
    ];
    const { stdout } = await sh(lines.join('; '), this.place);
    // Timers run by themselves.
    return stdout.split('\n').map(line => line.trim().replace(/(_timer|_lft) +[\d.]+/g, '$1'));
  }
}

/** Words that run what follows as nobody; empty where this process is no root. */
export const asNobody: readonly string[] =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] : [];
