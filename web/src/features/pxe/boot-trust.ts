// What is checked on a machine's way from its firmware to its new system, and by whom. The long form, with the
// reasons, is docs/boot.md, "What is authenticated, and what is not". Pure.
export interface TrustStep {
  step: string;
  // True: a change on the way is noticed. False: who is in the segment can put something else there.
  checked: boolean;
  how: string;
}

const FIRST: TrustStep[] = [
  {
    step: 'Boot offer and boot loader',
    checked: false,
    how: 'whoever in the segment answers first; with Secure Boot on, the loader’s signature',
  },
  { step: 'Boot script', checked: false, how: 'plain HTTP from the tentacle' },
];

const KERNEL: TrustStep = {
  step: 'Installer’s kernel and initrd',
  checked: false,
  how: 'plain HTTP; with Secure Boot on, the kernel’s signature',
};

const ANSWERS: TrustStep = {
  step: 'Answer file',
  checked: true,
  how: 'one-time token, this machine’s MAC and address, a few minutes; readable on the wire',
};

const IMAGE: TrustStep = {
  step: 'Image',
  checked: true,
  how: 'SHA-256, in the cache and again on the machine',
};

const REST: Record<string, TrustStep[]> = {
  'linux-image': [
    KERNEL,
    { step: 'Orders', checked: true, how: 'one-time token, one address, 5 minutes' },
    { ...IMAGE, how: `${IMAGE.how}, before the disk can boot` },
  ],
  'debian-preseed': [
    KERNEL,
    ANSWERS,
    { step: 'Packages', checked: true, how: 'signatures of Debian’s archive, by the installer' },
  ],
  'ubuntu-autoinstall': [
    KERNEL,
    ANSWERS,
    {
      step: 'Installer’s ISO',
      checked: false,
      how: 'SHA-256 in the cache; the machine takes it over plain HTTP',
    },
    { step: 'Packages', checked: true, how: 'signatures of Ubuntu’s archive, by the installer' },
  ],
  'rhel-kickstart': [
    KERNEL,
    ANSWERS,
    { step: 'Packages', checked: true, how: 'signatures of the vendor, by Anaconda' },
  ],
  windows: [
    { step: 'WinPE', checked: false, how: 'plain HTTP' },
    ANSWERS,
    { ...IMAGE, how: `${IMAGE.how}, before it is applied` },
  ],
  'plain-kernel': [{ step: 'Kernel', checked: false, how: 'plain HTTP from the tentacle' }],
  'local-boot': [],
};

// Nothing for a kind of task that this page does not know.
export function bootTrust(osType: string): TrustStep[] {
  const rest = REST[osType];
  return rest ? [...FIRST, ...rest] : [];
}
