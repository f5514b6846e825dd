import type { Report } from './problem.js';
import { checkAddresses } from './rules/addresses.js';
import { checkBoot, checkFilesOf } from './rules/boot.js';
import { type CloudInitFiles, checkCloudInit } from './rules/cloud-init.js';
import { checkCounts } from './rules/counts.js';
import { checkDhcp } from './rules/dhcp.js';
import { checkDisks } from './rules/disks.js';
import { checkGateways } from './rules/gateways.js';
import { checkInterfaces } from './rules/interfaces.js';
import { checkLimits } from './rules/limits.js';
import { checkLinks } from './rules/links.js';
import { checkMacs } from './rules/macs.js';
import { checkMacvtaps } from './rules/macvtap.js';
import { checkModes } from './rules/modes.js';
import { checkNames } from './rules/names.js';
import { checkPeers } from './rules/peers.js';
import { checkPermanent } from './rules/permanent.js';
import { checkPorts } from './rules/ports.js';
import { checkRoutes } from './rules/routes.js';
import { checkSizes } from './rules/sizes.js';
import { checkSysctls } from './rules/sysctls.js';
import { checkTuns } from './rules/tuns.js';
import type { LooseLab } from './shape.js';

/** Everything that a lab must keep to beyond its shape. Each rule reports all it finds, and passes over what is missing. */
export function checkRules(lab: LooseLab, files: CloudInitFiles, report: Report): void {
  checkNames(lab, report);
  checkLinks(lab, report);
  checkMacvtaps(lab, report);
  checkTuns(lab, report);
  checkCounts(lab, report);
  checkMacs(lab, report);
  checkAddresses(lab, report);
  checkGateways(lab, report);
  checkPeers(lab, report);
  checkSizes(lab, report);
  checkLimits(lab, report);
  checkPermanent(lab, report);
  checkModes(lab, report);
  checkInterfaces(lab, report);
  checkRoutes(lab, report);
  checkSysctls(lab, report);
  checkDhcp(lab, report);
  checkPorts(lab, report);
  checkBoot(lab, report);
  checkFilesOf(lab, files.folder, report, files.check);
  checkDisks(lab, report);
  checkCloudInit(lab, files, report);
}
