import type { Report } from './problem.js';
import { checkAddresses } from './rules/addresses.js';
import { checkBoot, checkFilesOf, type FileCheck } from './rules/boot.js';
import { checkCounts } from './rules/counts.js';
import { checkDhcp } from './rules/dhcp.js';
import { checkGateways } from './rules/gateways.js';
import { checkInterfaces } from './rules/interfaces.js';
import { checkLimits } from './rules/limits.js';
import { checkLinks } from './rules/links.js';
import { checkMacs } from './rules/macs.js';
import { checkModes } from './rules/modes.js';
import { checkNames } from './rules/names.js';
import { checkOvs } from './rules/ovs.js';
import { checkPeers } from './rules/peers.js';
import { checkPermanent } from './rules/permanent.js';
import { checkPorts } from './rules/ports.js';
import { checkRoutes } from './rules/routes.js';
import { checkSizes } from './rules/sizes.js';
import { checkSysctls } from './rules/sysctls.js';
import { checkVlans } from './rules/vlans.js';
import type { LooseLab } from './shape.js';

/** Everything that a lab must keep to beyond its shape. Each rule reports all it finds, and passes over what is missing. */
export function checkRules(lab: LooseLab, folder: string, report: Report, checkFile: FileCheck): void {
  checkNames(lab, report);
  checkLinks(lab, report);
  checkCounts(lab, report);
  checkMacs(lab, report);
  checkAddresses(lab, report);
  checkGateways(lab, report);
  checkPeers(lab, report);
  checkSizes(lab, report);
  checkLimits(lab, report);
  checkPermanent(lab, report);
  checkModes(lab, report);
  checkVlans(lab, report);
  checkOvs(lab, report);
  checkInterfaces(lab, report);
  checkRoutes(lab, report);
  checkSysctls(lab, report);
  checkDhcp(lab, report);
  checkPorts(lab, report);
  checkBoot(lab, report);
  checkFilesOf(lab, folder, report, checkFile);
}
