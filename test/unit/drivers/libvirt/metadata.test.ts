import { describe, expect, it, test } from 'vitest';
import { metadataIn } from '../../../../src/drivers/libvirt/metadata.js';

const URI = 'urn:vmnet:test';
const MARK = `<m:mark xmlns:m="${URI}" lab="a" vm="b"/>`;

const domain = (metadata: string, more = '') =>
  `<domain type='kvm'>\n  <name>web</name>\n  ${metadata}\n  <devices>${more}</devices>\n</domain>\n`;

const within = (...lines: string[]) => domain(`<metadata>\n    ${lines.join('\n    ')}\n  </metadata>`);

describe('a mark in the XML of a domain', () => {
  test.each<[string, string]>([
    ['alone', within(MARK)],
    [
      'behind others, whole and empty',
      within('<a:b xmlns:a="x"><a:c>text</a:c></a:b>', '<d xmlns="y"/>', MARK),
    ],
    ['before one that has it in quotes', within(MARK, `<a:b xmlns:a="x" note="${URI} > here"/>`)],
    ['with no prefix', within(`<mark xmlns="${URI}" lab="a" vm="b"/>`)],
    [
      'with its declaration elsewhere among its attributes',
      within(`<m:mark lab="a" xmlns:m="${URI}" vm="b" />`),
    ],
    ['though the title speaks of another', `<domain><title>&lt;metadata&gt;</title>${within(MARK)}`],
  ])('%s', (_, xml) => expect(metadataIn(xml, URI)).toBe('<mark lab="a" vm="b"/>'));

  it('keeps quotes and references as they stand', () =>
    expect(metadataIn(within(`<m:mark xmlns:m='${URI}' lab='&#xFC;"'/>`), URI)).toBe(
      `<mark lab='&#xFC;"'/>`,
    ));

  test.each<[string, string]>([
    ['no metadata', domain('')],
    ['empty metadata', domain('<metadata/>')],
    ['metadata of others', within('<a:b xmlns:a="x"/>')],
    ['the URI elsewhere than in the metadata', domain('<metadata><b/></metadata>', `<x a="${URI}"/>`)],
  ])('is not there: %s', (_, xml) => expect(metadataIn(xml, URI)).toBeNull());

  test.each<[string, string]>([
    ['in a comment', within(`<!-- ${MARK} -->`)],
    ['in a CDATA section', within(`<a:b xmlns:a="x"><![CDATA[${MARK}]]></a:b>`)],
    ['further in', within(`<a:b xmlns:a="x">${MARK}</a:b>`)],
    ['in the word of another', within(`<a:b xmlns:a="x" was="${URI}"/>`)],
    ['by the name of another namespace', within(`<m:mark xmlns:m="x" xmlns:n="${URI}"/>`)],
    ['of a namespace declared further up', domain(`<metadata xmlns:m="${URI}"><m:mark lab="a"/></metadata>`)],
    ['with more in it', within(`<m:mark xmlns:m="${URI}"><m:more/></m:mark>`)],
  ])('is for libvirt to find: %s', (_, xml) => expect(metadataIn(xml, URI)).toBeUndefined());
});
