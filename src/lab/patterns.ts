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

export const IPV4_PATTERN = '^[0-9.]+$';
export const LEASE_TIME_PATTERN = '^[1-9][0-9]{0,4}[mhd]$';

/** When others may count on a VM, and how long that may take. */
export const READY_PATTERN = '^(none|up|address|ssh|agent|tcp:[1-9][0-9]{0,4})$';
export const READY_TIMEOUT_PATTERN = '^[1-9][0-9]{0,4}[smh]$';

/** Lower-case labels (RFC 1123); the last one is no number, or a name in it could be read as an address. */
export const DOMAIN_PATTERN = '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$';

/** The same as they may be written in a VM with a `count`, before `{index}` is a number. */
export const INDEXED_VM_PATTERN = '^([A-Za-z0-9]|\\{index\\})([A-Za-z0-9_-]|\\{index\\}){0,62}$';
export const INDEXED_IFNAME_PATTERN = '^([A-Za-z0-9]|\\{index\\})([A-Za-z0-9_.-]|\\{index\\}){0,14}$';
export const INDEXED_CIDR_PATTERN = '^([0-9A-Fa-f:.]|\\{index\\})+/[0-9]{1,3}$';

/** As tc(8) writes them. */
export const RATE_PATTERN = '^[0-9]{1,9}(\\.[0-9]{1,6})? ?(k|m|g)?bit$';
export const DURATION_PATTERN = '^[0-9]{1,9}(\\.[0-9]{1,6})? ?(us|ms|s)$';
export const PERCENT_PATTERN = '^[0-9]{1,3}(\\.[0-9]{1,6})? ?%$';

/** libvirt allows all but a slash and a line break; what no terminal shows is not allowed here. */
export const LIBVIRT_NAME_PATTERN = '^[^/\\p{C}\\p{Zl}\\p{Zp}]{1,255}$';

export const MEMORY_PATTERN = '^[1-9][0-9]* ?(MiB|GiB|TiB)$';

/** Prefixes of taps that libvirt hands out and deletes by itself (virnetdev.c), and old Xen's. */
export const RESERVED_TAP = /^(vnet|vif|macvtap|macvlan)/;

/** ip(8) takes a name that begins so for an index wherever no such link is there: it reads `if2-web` as interface 2. */
export const INDEX_LIKE = /^if-?[0-9]/;

/** A setting below net. in sysctl(8)'s words: a slash stands for a dot in an interface's name. */
export const SYSCTL_PATTERN = '^net(\\.[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*){1,8}$';

/** An end of a link: `NAMESPACE:INTERFACE`. */
export const END_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}:[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$';

/** A PCI slot in hexadecimal, as libvirt writes it. */
export const SLOT_PATTERN = '^0[xX]0?([1-9A-Fa-f]|1[0-9A-Ea-e])$';
