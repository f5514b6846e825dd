// Runs inside a throw-away host: a client on a bridge that takes the first address that it hears offered to somebody
// else, as one does that has asked at the same moment. Prints `ready`, and the address once it is its own; ends with
// its stdin.
// usage: node lease-taker.mjs BRIDGE FOLDER
import { makeDrivers } from '../../dist/drivers/drivers.js';
import { dhcpDiscover } from '../../dist/verify/messages.js';
import { parseFrame } from '../../dist/verify/packets.js';
import { plugLines } from '../../dist/verify/station.js';

const MAC = '52:54:00:00:00:77';
/** Of the BOOTP message in its frame; its flags, and its options behind the cookie. */
const MESSAGE = 14 + 20 + 8;
const [FLAGS, OPTIONS] = [MESSAGE + 10, MESSAGE + 240];

/** DHCPREQUEST for an address; without the flag for a broadcast, the answer goes to our MAC. */
function request(address) {
  const frame = Buffer.from(dhcpDiscover(MAC, MAC, 7));
  frame.writeUInt16BE(0, FLAGS);
  frame.set([53, 1, 3, 50, 4, ...address.split('.').map(Number), 255], OPTIONS);
  return frame;
}

const drivers = makeDrivers({ stateDir: process.argv[3] }, process.env);
const port = await drivers.port.open('taker');
let asked = false;
port.onFrame(bytes => {
  const packet = parseFrame(bytes)?.packet;
  if (packet?.kind !== 'dhcp' || !packet.reply || packet.address === null) return;
  if (packet.client === MAC) console.log(packet.address);
  else if (!asked) asked = port.send(request(packet.address));
});
await drivers.ip.batch([
  ...plugLines({ port: 'taker', bridge: process.argv[2], mtu: 1500 }),
  // What goes to a guest goes to nobody else.
  'link set dev taker type bridge_slave learning on',
]);
console.log('ready');
process.stdin.resume().once('end', () => port.close());
