import { expect, test } from 'vitest';
import { parseMark } from '../../../src/host/libvirt.js';

const MARK = { lab: 'my-lab_1', vm: 'web', digest: '0123456789abcdef' };

test.each([
  [
    'as rendered',
    '<vmnet:endpoint xmlns:vmnet="urn:vmnet:lab:1" lab="my-lab_1" vm="web" digest="0123456789abcdef"/>',
  ],
  ['as libvirt gives it back', "<endpoint lab='my-lab_1' vm='web' digest='0123456789abcdef'/>"],
  ['in another order', '<endpoint digest="0123456789abcdef" vm="web" lab="my-lab_1"/>'],
])('a mark is read %s', (_, text) => expect(parseMark(text)).toEqual(MARK));

test.each([
  ['nothing', null],
  ['another program’s element', '<instance id="7"/>'],
  ['a mark without digest', '<endpoint lab="l" vm="web"/>'],
  ['an empty lab', '<endpoint lab="" vm="web" digest="0"/>'],
  ['a lab that no file could name', '<endpoint lab="a b" vm="web" digest="0"/>'],
  ['attributes of other names', '<endpoint mylab="l" thevm="web" adigest="0"/>'],
])('%s is no mark', (_, text) => expect(parseMark(text)).toBeNull());
