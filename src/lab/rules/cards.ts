import { slotNumber } from '../build/card.js';
import { defaultsOnce, type Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { type AtNic, nicSetting, nicsIn, nicsOf, vmSetting, vmsOf } from './walk.js';

/** What the guest sees of its cards fits together. */
export function checkCards(lab: LooseLab, report: Report): void {
  const once = defaultsOnce(report);
  for (const at of nicsOf(lab)) checkVirtio(lab, at, once);
  for (const at of vmsOf(lab)) {
    const nics = nicsIn(at);
    const { value: boot } = vmSetting(lab, at, 'boot');
    // One of the wrong shape was told already; what a domain of others boots from, libvirt knows.
    const isTold = at.vm.domain !== undefined || ('boot' in at.vm && boot === undefined);
    const boots = typeof boot === 'object' && ('image' in boot || 'domainXml' in boot);
    if (!isTold && !boots) checkDirect(nics, report);
    checkPlaces(nics, report);
    checkSlots(nics, report);
  }
}

const who = ({ vm, index }: Pick<AtNic, 'vm' | 'index'>) => `VM ${quote(vm)}, NIC ${index}`;

function checkVirtio(lab: LooseLab, at: AtNic, report: Report): void {
  const model = nicSetting(lab, at, 'model').value ?? 'virtio';
  if (model === 'virtio') return;
  for (const key of ['offloads', 'vhost'] as const) {
    const { value, path } = nicSetting(lab, at, key);
    if (value === undefined || value === 'auto') continue;
    report(
      path,
      `${who(at)} has ${quote(key)}, which only a virtio card has, but is of model ${model}`,
      `take ${quote(key)} out, or write "model": "virtio"`,
    );
  }
}

/** A kernel that is handed to QEMU is booted from nothing else. */
function checkDirect(nics: readonly AtNic[], report: Report): void {
  for (const at of nics.filter(({ nic }) => nic.boot !== undefined))
    report(
      [...at.path, 'boot'],
      `${who(at)} has a place in the order of booting, but VM ${quote(at.vm)} is handed its kernel and has no such order`,
      'take "boot" out, or have the VM boot an image: "boot": { "image": … }',
    );
}

function checkPlaces(nics: readonly AtNic[], report: Report): void {
  for (const [i, at] of nics.entries()) {
    const { boot } = at.nic;
    const other = boot === undefined ? undefined : nics.slice(0, i).find(({ nic }) => nic.boot === boot);
    if (other)
      report(
        [...at.path, 'boot'],
        `${who(at)} has the place ${boot} in the order of booting, and so has NIC ${other.index}`,
        'give each a place of its own: 1 is tried first',
      );
  }
}

function checkSlots(nics: readonly AtNic[], report: Report): void {
  const taken = new Map<number, AtNic>();
  for (const at of nics) {
    const { pciSlot } = at.nic;
    if (pciSlot === undefined) continue;
    const slot = slotNumber(pciSlot);
    const path = [...at.path, 'pciSlot'];
    const other = slot === null ? undefined : taken.get(slot);
    if (slot === null)
      report(
        path,
        `${who(at)} cannot be in the slot ${quote(String(pciSlot))}`,
        'write one from "0x01" to "0x1e"; 0x00 and 0x1f are the chipset\'s',
      );
    else if (other)
      report(
        path,
        `${who(at)} is in the slot ${quote(String(pciSlot))}, and so is NIC ${other.index}`,
        'give each a slot of its own, or leave one out: it gets a port of its own',
      );
    else taken.set(slot, at);
  }
}
