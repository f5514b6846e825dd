import { writeFile } from 'node:fs/promises';
import { VmnetError } from '../errors.js';
import { IFNAME_PATTERN } from '../lab/patterns.js';
import { printable } from '../lab/quote.js';
import { listTemplates, readTemplate } from '../lab/templates.js';
import type { Context, Outcome } from './command.js';

export interface InitFlags {
  readonly template: string;
  /** Name of the interface that takes the template's `eth0`'s place. */
  readonly uplink?: string;
  readonly list?: boolean;
  readonly force?: boolean;
}

/** Write a starter lab from templates/labs. */
export async function init(file: string, flags: InitFlags, { reporter }: Context): Promise<Outcome> {
  if (flags.list) {
    const templates = listTemplates();
    reporter.print(templates.map(({ name, description }) => `${name.padEnd(12)} ${description}`).join('\n'));
    return { more: { templates } };
  }
  const word = shellWord(file);
  const text = withUplink(readTemplate(flags.template), flags.uplink);
  try {
    await writeFile(file, text, { flag: flags.force ? 'w' : 'wx' });
  } catch (error) {
    throw notWritten(file, error as NodeJS.ErrnoException);
  }
  reporter.print(
    `${file} written from the template ${flags.template}\nLook at it, then: vmnet rehearse ${word}\nand for real: sudo vmnet provision ${word}`,
  );
  return { more: { file } };
}

/** A file name as a shell takes it, and commands take it for a file. */
function shellWord(file: string): string {
  const named = file.startsWith('-') ? `./${file}` : file;
  return /^[\w./+:@%-]+$/.test(named) ? named : `'${printable(named).replaceAll("'", `'\\''`)}'`;
}

function withUplink(text: string, uplink: string | undefined): string {
  if (uplink === undefined) return text;
  if (!new RegExp(IFNAME_PATTERN).test(uplink)) {
    throw new VmnetError(
      'usage',
      `--uplink: ${JSON.stringify(uplink)} is no interface name`,
      'ip -br link lists the interfaces of this machine.',
    );
  }
  return text.replaceAll('"eth0"', JSON.stringify(uplink));
}

function notWritten(file: string, error: NodeJS.ErrnoException): VmnetError {
  return error.code === 'EEXIST'
    ? new VmnetError(
        'usage',
        `${file} exists already`,
        'Name another file, or overwrite it with --force.',
        error,
      )
    : new VmnetError(
        'usage',
        `${file} cannot be written: ${error.message}`,
        'Name a file in a folder that you may write to.',
        error,
      );
}
