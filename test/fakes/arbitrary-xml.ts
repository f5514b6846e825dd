import fc from 'fast-check';

// Domain XML as no two people write it: order, quotes, spaces and comments vary, and what looks like markup stands where
// it is none.

const space = fc.constantFrom('', '', ' ', '\n', '\n  ', '\n\t', '\r\n    ', '  ');
const traps = fc.constantFrom(
  '<!-- <devices></devices> -->',
  '<!---->',
  '<?pi <devices/> ?>',
  '<![CDATA[</devices><name>x</name>]]>',
  '&lt;devices&gt;',
  '&#60;&#x3c;',
  'π "words" \'here\' ]] >',
);

const attributes = fc
  .uniqueArray(fc.constantFrom('type', 'a', 'xml:lang', 'b-c.d'), { maxLength: 3 })
  .chain(names =>
    fc.tuple(
      ...names.map(name =>
        fc
          .tuple(
            fc.constantFrom(' ', '\n', '\t '),
            fc.constantFrom('=', ' = '),
            fc.constantFrom('"x > y"', "'</devices>'", `'"'`, '"&quot;"'),
          )
          .map(([before, equals, value]) => `${before}${name}${equals}${value.replace('</', '&lt;/')}`),
      ),
    ),
  )
  .map(parts => parts.join(''));

const foreign = fc.letrec(tie => ({
  element: fc
    .tuple(
      fc.constantFrom('x:devices', 'x:name', 'devices', 'interface', 'metadata', 'uuid', 'element'),
      attributes,
      fc.array(fc.oneof({ depthSize: 'small' }, space, traps, tie('element')), { maxLength: 4 }),
      fc.boolean(),
    )
    .map(([name, more, inner, empty]) =>
      empty ? `<${name}${more}/>` : `<${name}${more}>${inner.join('')}</${name}>`,
    ),
})).element as fc.Arbitrary<string>;

const card = fc.constantFrom(
  '<interface type="network"><mac address="52:54:00:12:34:56"/><source network="default"/></interface>',
  "<interface type='user'/>",
);

const inside = (name: string, ...what: fc.Arbitrary<string>[]) =>
  fc
    .tuple(fc.array(fc.oneof(space, ...what), { maxLength: 5 }), fc.boolean())
    .map(([parts, empty]) =>
      parts.length === 0 && empty ? `<${name}/>` : `<${name}>${parts.join('')}</${name}>`,
    );

const comment = fc.constantFrom('<!-- <devices> -->', '<!-- - a -->');
/** Not one of libvirt's own names. */
const other = foreign.map(xml => `<other>${xml}</other>`);

/** Text of a `<domain>`, which libvirt need not take. */
export const anyDomainXml: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '\ufeff', '<?xml version="1.0"?>\n', '<!-- <domain> -->\n'),
    fc.shuffledSubarray(['name', 'uuid', 'metadata', 'other', 'comment'], { minLength: 0 }),
    fc.nat(5),
    fc.record({
      name: fc.constantFrom(
        '<name>a</name>',
        '<name/>',
        '<name>lab-web</name>',
        '<name><![CDATA[b]]></name>',
      ),
      uuid: fc.constantFrom('<uuid/>', '<uuid>6fab742a-9660-4461-bbba-2bc139f29674</uuid>'),
      metadata: inside('metadata', other),
      other,
      comment,
      devices: inside('devices', card, comment, other),
    }),
    fc.array(space, { minLength: 8, maxLength: 8 }),
    fc.constantFrom('', '\n', '\r\n<!-- end -->'),
  )
  .map(([start, keys, at, parts, spaces, end]) => {
    const order = [...keys.slice(0, at), 'devices', ...keys.slice(at)] as (keyof typeof parts)[];
    const body = order.map((key, index) => `${spaces[index]}${parts[key]}`).join('');
    return `${start}<domain type='qemu' xmlns:x="urn:x">${body}${spaces[7]}</domain>${end}`;
  });
