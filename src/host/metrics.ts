import type { Drivers } from '../drivers/drivers.js';
import type { Route } from './model.js';

/** ip-route(8): what `route add` takes, and the one that routers give to every route. */
const METRICS = (
  'mtu window rtt rttvar ssthresh cwnd advmss reordering hoplimit initcwnd features rto_min initrwnd quickack ' +
  'congctl fastopen_no_cookie'
).split(' ');
const USUAL = 'hoplimit';

/**
 * Routes with their metrics in ip's own words. Its JSON does not tell a locked metric, nor seconds from milliseconds;
 * so where a route on one of these interfaces has more than the usual metrics, the text is looked at: one process.
 */
export async function exactMetrics(
  routes: readonly Route[],
  nics: readonly string[],
  drivers: Drivers,
): Promise<readonly Route[]> {
  const devices = (route: Route) => [route.dev, ...route.nexthops.map(hop => hop.dev)];
  const asks = (route: Route) =>
    route.metrics.some(([key]) => key !== USUAL) &&
    devices(route).some(dev => dev !== null && nics.includes(dev));
  return routes.some(asks) ? withMetrics(routes, await drivers.ip.routesAsText()) : routes;
}

/** The same routes, with the metrics that each one's line of text has. */
export function withMetrics(routes: readonly Route[], text: string): Route[] {
  const lines = text.split('\n').map(line => line.split(/\s+/).filter(Boolean));
  const found = new Map(lines.map(line => [nameIn(line), metricsIn(line)]));
  return routes.map(route =>
    route.metrics.length > 0 ? { ...route, metrics: found.get(nameOf(route)) ?? route.metrics } : route,
  );
}

const nameOf = ({ type, dst, table, metric, gateway, dev, options }: Route) =>
  [type, dst, table, metric, gateway, dev, options?.[0] === 'tos' ? options[1] : null].join(' ');

/** The first lines' words: `unicast 10.1.0.0/16 via 192.0.2.1 dev eth0 table 100 metric 5 mtu lock 1400`. */
function nameIn(line: readonly string[]): string {
  const after = (word: string) => (line.includes(word) ? (line[line.indexOf(word) + 1] ?? null) : null);
  const gateway = after('via') === 'inet6' ? null : after('via');
  return [
    line[0],
    line[1],
    after('table') ?? 'main',
    after('metric'),
    gateway,
    after('dev'),
    after('tos'),
  ].join(' ');
}

function metricsIn(line: readonly string[]): [string, string | number][] {
  return line.flatMap((word, i) => {
    if (!METRICS.includes(word)) return [];
    const locked = line[i + 1] === 'lock';
    const value = line[locked ? i + 2 : i + 1] ?? '';
    // rto_min is always locked, and may not be called so.
    if (locked && word !== 'rto_min') return [[word, `lock ${value}`] as [string, string]];
    return [[word, /^\d+$/.test(value) ? Number(value) : value] as [string, string | number]];
  });
}
