import { connect } from 'node:net';

/** Milliseconds that a connection, and then a banner, may take. */
const CONNECT_WITHIN = 2000;
const BANNER_WITHIN = 5000;

/** What an SSH server says first; RFC 4253, 4.2. Other lines may come before it. */
const SSH_BANNER = /^SSH-/m;
const MOST_OF_BANNER = 8192;

/** null where something answers, with `ssh` an SSH server; else why not, in a few words. */
export function answers(
  address: string,
  port: number,
  ssh: boolean,
  signal: AbortSignal | null,
): Promise<string | null> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port });
    let text = '';
    const end = (reason: string | null) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', interrupted);
      socket.destroy();
      resolve(reason);
    };
    const interrupted = () => end('interrupted');
    let timer = setTimeout(() => end('no answer'), CONNECT_WITHIN);
    signal?.addEventListener('abort', interrupted);
    socket.once('connect', () => {
      if (!ssh) return end(null);
      clearTimeout(timer);
      timer = setTimeout(() => end('it says nothing'), BANNER_WITHIN);
    });
    socket.on('data', data => {
      text += data.toString('latin1');
      if (SSH_BANNER.test(text)) end(null);
      else if (text.length > MOST_OF_BANNER) end('what answers is no SSH server');
    });
    socket.once('end', () => end('it hung up'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(REASONS[error.code ?? ''] ?? error.message));
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it hung up',
  EHOSTUNREACH: 'no answer',
  ENETUNREACH: 'the host has no route there',
  ETIMEDOUT: 'no answer',
};
