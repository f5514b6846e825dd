import { describe, expect, test } from 'vitest';
import { labJsonSchema } from '../../../src/lab/file.js';
import { listTemplates, readTemplate } from '../../../src/lab/templates.js';

interface Node {
  description?: string;
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
}

/** Every key of the schema that no description explains. */
function unexplained(node: Node, path: string): string[] {
  const keys = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description ? [] : [`${path}/${key}`]),
    ...unexplained(child, `${path}/${key}`),
  ]);
  const rest = typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
  const inner = [...rest, ...(node.anyOf ?? []), ...(node.items ? [node.items] : [])];
  return [...keys, ...inner.flatMap(child => unexplained(child, `${path}/*`))];
}

describe('the JSON Schema', () => {
  test('explains every key', () => expect(unexplained(labJsonSchema(), '')).toEqual([]));

  test('allows itself to be named in the lab, and no unknown key', () => {
    expect(labJsonSchema()).toMatchObject({
      properties: { $schema: { type: 'string' } },
      additionalProperties: false,
    });
  });
});

describe('templates', () => {
  test('are there in order, each with a word on what it is', () => {
    const names = listTemplates().map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['homelab', 'isolated', 'quickstart']));
    for (const { description } of listTemplates()) expect(description).toMatch(/^\S.{20,}/);
  });

  test('are suggested when a name is wrong, and never leave their folder', () => {
    expect(() => readTemplate('homelap')).toThrow('there is no template "homelap"');
    expect(() => readTemplate('../../package')).toThrow('there is no template');
  });
});
