import { type Cidr, contains, isLinkLocal, parseIp } from '../../lab/cidr.js';
import type { Expected, Node, Port, Topology } from './model.js';

/** Does an echo request find its way from a node to another's address, and its answer back? */
export function expected(from: Node, to: Node, target: Cidr, topology: Topology): Expected {
  if (from.kind === 'lan' && isClosed(to, target, topology)) return 'silent';
  const there = walk(from, target, topology);
  if (there.end !== 'there') return there.end === 'kept' ? 'silent' : null;
  const back = walk(there.node, there.source, topology);
  if (back.end === 'kept') return 'silent';
  return there.node === to && back.end === 'there' ? 'answers' : null;
}

/** Nobody outside gets to a network that is isolated or behind translation, unless somebody other than the host lets them in. */
function isClosed(to: Node, target: Cidr, { modes }: Topology): boolean {
  if (to.kind === 'host') return false;
  const segment = to.ports.find(({ addresses }) => addresses.includes(target))?.segment ?? '';
  return ['isolated', 'nat'].includes(modes.get(segment) ?? '');
}

/** `kept`: the lab keeps it from getting there; `lost`: nobody knows the way. */
type Walk =
  | { readonly end: 'there'; readonly node: Node; readonly source: Cidr }
  | { readonly end: 'kept' | 'lost' };

const LOST: Walk = { end: 'lost' };
const MOST_HOPS = 16;

/** Hop by hop; `source` is what the last one sees, after translation on the way. */
function walk(from: Node, target: Cidr, topology: Topology): Walk {
  let [node, cameBy, source] = [from, null as Port | null, null as Cidr | null];
  for (let hops = 0; hops < MOST_HOPS; hops++) {
    const out = next(node, target);
    if (out === null) return LOST;
    const own = firstOf(out.port, target.family);
    if (cameBy !== null) {
      const passage = passes(node, cameBy, out.port, target.family, topology);
      if (passage === 'kept') return { end: 'kept' };
      if (passage === null) return LOST;
      if (passage === 'translated') source = own;
    } else source = own;
    const found = onWire(out, target.family, topology);
    if (found === null || source === null) return LOST;
    if (found.port.isolated && out.port.isolated) return { end: 'kept' };
    if (has(found.node, target)) return { end: 'there', node: found.node, source };
    [node, cameBy] = [found.node, found.port];
  }
  return LOST;
}

interface Hop {
  readonly port: Port;
  /** Address that is asked for on the wire: the target's, or a gateway's. */
  readonly value: bigint;
}

/** The subnet or route with the longest prefix. */
function next(node: Node, target: Cidr): Hop | null {
  const direct = node.ports.flatMap(port =>
    port.addresses
      .filter(address => contains(address, target))
      .map(({ prefix }) => ({ prefix, hop: { port, value: target.value } })),
  );
  const routed = node.routes.flatMap(({ to, via }) => {
    const gateway = parseIp(via);
    if (gateway === null || !contains(to, target)) return [];
    const port = node.ports.find(({ addresses }) => addresses.some(it => holds(it, gateway)));
    return port ? [{ prefix: to.prefix, hop: { port, value: gateway.value } }] : [];
  });
  return [...direct, ...routed].sort((a, b) => b.prefix - a.prefix)[0]?.hop ?? null;
}

const holds = (subnet: Cidr, { family, value }: { family: 4 | 6; value: bigint }) =>
  subnet.family === family && value >= subnet.network && value <= subnet.last;

/** Who has the address on that wire. */
function onWire({ port, value }: Hop, family: 4 | 6, { nodes }: Topology): { node: Node; port: Port } | null {
  for (const node of nodes) {
    const found = node.ports.find(
      it =>
        it.segment === port.segment &&
        it.addresses.some(address => address.family === family && address.value === value),
    );
    if (found) return { node, port: found };
  }
  return null;
}

const has = (node: Node, target: Cidr) =>
  node.ports.some(({ addresses }) =>
    addresses.some(({ family, value }) => family === target.family && value === target.value),
  );

const firstOf = ({ addresses }: Port, family: 4 | 6) =>
  addresses.find(it => it.family === family && !isLinkLocal(it)) ?? null;

/** What becomes of a packet that is not for the node itself; null where this model does not know. */
function passes(
  node: Node,
  from: Port,
  to: Port,
  family: 4 | 6,
  { modes, outside }: Topology,
): 'passed' | 'translated' | 'kept' | null {
  if (node.kind !== 'host') return node.forwards[family] ? 'passed' : null;
  const [mode, into] = [modes.get(from.segment), modes.get(to.segment)];
  if (mode === 'isolated' || into === 'isolated' || into === 'nat') return 'kept';
  // Whether a host can forward IPv6 for one interface alone depends on its kernel.
  if (family === 6) return null;
  if (mode === 'nat') return 'translated';
  const known = (segment: string) => modes.get(segment) === 'routed' || outside.has(segment);
  return (mode === 'routed' || into === 'routed') && known(from.segment) && known(to.segment)
    ? 'passed'
    : null;
}
