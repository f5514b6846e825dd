// Flags and kinds that several calls share, by their names in libvirt's headers.

export const VIR_DOMAIN_AFFECT_LIVE = 1;
export const VIR_DOMAIN_AFFECT_CONFIG = 2;
export const VIR_DOMAIN_METADATA_ELEMENT = 2;
export const VIR_DOMAIN_XML_SECURE = 1;
export const VIR_DOMAIN_XML_INACTIVE = 2;
