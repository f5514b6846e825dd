import { type Cidr, isLinkLocal } from '../../lab/cidr.js';
import type { Node, Topology } from './model.js';
import { expected } from './walk.js';

/** A ping that tells something: it has to be answered, or must not be. */
export interface Question {
  /** For people: `the LAN`, or a namespace. */
  readonly from: string;
  /** Where it is asked: a name below /run/netns, or null for the LAN. */
  readonly netns: string | null;
  readonly who: string;
  readonly address: string;
  readonly answers: boolean;
}

/** Beyond it, each namespace asks only some of the others. */
const MOST = 256;

/** From the LAN and from each namespace to every address of somebody else's of which it is known whether it answers. */
export function questionsOf(topology: Topology): { questions: Question[]; left: number } {
  const sources = topology.nodes.filter(
    node => node.ports.length > 0 && (node.kind === 'lan' || node.netns !== null),
  );
  const targets = topology.nodes.flatMap(node => addressesOf(node).map(address => ({ node, address })));
  const all = sources.flatMap(from =>
    targets
      .filter(({ node }) => node !== from)
      .flatMap(({ node, address }) => ask(from, node, address, topology)),
  );
  const questions = spread(all, MOST);
  return { questions, left: all.length - questions.length };
}

function ask(from: Node, to: Node, target: Cidr, topology: Topology): Question[] {
  const answer = expected(from, to, target, topology);
  if (answer === null) return [];
  const { who, netns } = from;
  return [{ from: who, netns, who: to.who, address: target.address, answers: answer === 'answers' }];
}

const addressesOf = (node: Node) =>
  node.ports.flatMap(({ addresses }) => addresses).filter(address => !isLinkLocal(address));

/** Evenly, so that every source and every target has its share. */
const spread = <T>(items: readonly T[], most: number): T[] =>
  items.length <= most
    ? [...items]
    : Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)] as T);
