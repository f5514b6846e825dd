/** The safe shapes of names, as text so that they serve the rules, the JSON Schema and the tests alike. */

export const LAB_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$';
export const VM_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$';

/** 15 bytes are the kernel's IFNAMSIZ less its closing zero. */
export const IFNAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$';

/** useradd(8) and groupadd(8), or a number. */
export const ACCOUNT_PATTERN = '^([A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]{1,10})$';

export const MAC_PATTERN = '^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$';
export const IP_PATTERN = '^[0-9A-Fa-f:.]+$';
export const CIDR_PATTERN = '^[0-9A-Fa-f:.]+/[0-9]{1,3}$';

/** The same as they may be written in a VM with a `count`, before `{index}` is a number. */
export const INDEXED_VM_PATTERN = '^([A-Za-z0-9]|\\{index\\})([A-Za-z0-9_-]|\\{index\\}){0,62}$';
export const INDEXED_IFNAME_PATTERN = '^([A-Za-z0-9]|\\{index\\})([A-Za-z0-9_.-]|\\{index\\}){0,14}$';
export const INDEXED_CIDR_PATTERN = '^([0-9A-Fa-f:.]|\\{index\\})+/[0-9]{1,3}$';

export const MEMORY_PATTERN = '^[1-9][0-9]* ?(MiB|GiB|TiB)$';

/** Prefixes of taps that libvirt hands out and deletes by itself (virnetdev.c), and old Xen's. */
export const RESERVED_TAP = /^(vnet|vif|macvtap|macvlan)/;

/** ip(8) takes a name that begins so for an index wherever no such link is there: it reads `if2-web` as interface 2. */
export const INDEX_LIKE = /^if-?[0-9]/;
