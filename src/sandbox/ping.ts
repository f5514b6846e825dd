import type { Drivers } from '../drivers/drivers.js';
import type { Question } from './reach/pings.js';
import { inSandbox, type Sandbox } from './sandbox.js';

export interface Ping {
  /** `the LAN`, or a namespace. */
  readonly from: string;
  /** `web` or `the host`. */
  readonly who: string;
  readonly address: string;
  /** The lab means it to be answered. */
  readonly answers: boolean;
  readonly sent: number;
  readonly received: number;
}

const COUNT = 3;

/** Is it as the lab means it? */
export const isAsMeant = ({ answers, received }: Ping) => received > 0 === answers;

/** Ask all of them, from where they are to be asked. */
export async function ping(
  questions: readonly Question[],
  sandbox: Sandbox,
  drivers: Drivers,
): Promise<Ping[]> {
  const pings: Ping[] = [];
  for (const group of groups(questions, AT_ONCE))
    pings.push(...(await Promise.all(group.map(question => askOne(question, sandbox, drivers)))));
  return pings;
}

const AT_ONCE = 32;

function groups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

async function askOne(question: Question, sandbox: Sandbox, drivers: Drivers): Promise<Ping> {
  const { netns, ...rest } = question;
  // What is not to be answered need not be waited for as long.
  const patience = question.answers ? '2' : '1';
  const words = ['ping', '-n', '-c', String(COUNT), '-i', '0.2', '-W', patience, question.address];
  const [file = '', ...args] =
    netns === null
      ? inSandbox(sandbox, 'lan', words)
      : inSandbox(sandbox, 'host', ['ip', 'netns', 'exec', netns, ...words]);
  const { stdout } = await drivers.run(file, args, { allowFailure: true, timeoutMs: 15_000 });
  return { ...rest, sent: COUNT, received: Number(/(\d+) received/.exec(stdout)?.[1] ?? 0) };
}
