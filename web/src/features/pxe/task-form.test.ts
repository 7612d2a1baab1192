import { describe, expect, it } from 'vitest';

import { anImage, aServer, aTentacle } from '@/testing/builders';

import {
  checkFields,
  emptyFields,
  formField,
  needsPassword,
  normalizeMac,
  sourceOf,
  standbyChoices,
  standbysOf,
  toOrder,
} from './task-form';

const good = { ...emptyFields(), hostname: 'web-01', mac: '52:54:00:65:D5:42', imageId: '3' };

describe('normalizeMac', () => {
  it.each(['52:54:00:65:d5:42', '52-54-00-65-D5-42', '5254.0065.d542', ' 52540065D542 '])(
    'reads %s',
    (text) => {
      expect(normalizeMac(text)).toBe('52:54:00:65:d5:42');
    },
  );

  it.each(['', '52:54:00:65:d5', '52:54:00:65:d5:4g', '52:54:00:65:d5:42:00'])(
    'refuses "%s"',
    (text) => {
      expect(normalizeMac(text)).toBeNull();
    },
  );
});

describe('checkFields', () => {
  it('has nothing against a good order', () => expect(checkFields(good)).toEqual({}));

  it.each([
    ['hostname', { hostname: 'web_01' }],
    ['hostname', { hostname: '-web' }],
    ['mac', { mac: '53:54:00:65:d5:42' }],
    ['mac', { mac: '00:00:00:00:00:00' }],
    ['imageId', { imageId: '' }],
    ['ip', { dhcp: false, ip: '192.168.20.010' }],
    ['prefix', { dhcp: false, ip: '192.168.20.10', prefix: '33' }],
    ['gateway', { dhcp: false, ip: '192.168.20.10', gateway: 'router' }],
    ['dns', { dhcp: false, ip: '192.168.20.10', dns: '9.9.9.9 x' }],
    ['sshKeys', { sshKeys: 'ssh-ed25519 AAAA me\nhello' }],
  ])('names %s in %o', (field, change) => {
    expect(Object.keys(checkFields({ ...good, ...change }))).toEqual([field]);
  });
});

describe('toOrder', () => {
  it('leaves out what was left empty', () => {
    expect(toOrder(good, '1', { osType: 'linux-image', imageId: '3' })).toEqual({
      tentacleId: '1',
      mac: '52:54:00:65:d5:42',
      hostname: 'web-01',
      imageId: '3',
      osType: 'linux-image',
      platform: 'baremetal-uefi',
      network: { dhcp: true },
      sshKeys: [],
    });
  });

  it('carries a fixed address, keys and the disk', () => {
    const fields = {
      ...good,
      dhcp: false,
      ip: ' 192.168.20.50',
      prefix: '24',
      gateway: '',
      dns: '192.168.20.1, 9.9.9.9',
      sshKeys: 'ssh-ed25519 AAAA a\n\n ssh-rsa BBBB b ',
      diskSerial: ' QM00001 ',
    };
    expect(toOrder(fields, '1', { osType: 'linux-image', imageId: '3' })).toMatchObject({
      network: { dhcp: false, ip: '192.168.20.50', prefix: 24, dns: ['192.168.20.1', '9.9.9.9'] },
      sshKeys: ['ssh-ed25519 AAAA a', 'ssh-rsa BBBB b'],
      disk: { serial: 'QM00001' },
    });
  });

  it('names a standby only when one was chosen', () => {
    const source = { osType: 'linux-image', imageId: '3' };
    expect(toOrder(good, '1', source)).not.toHaveProperty('standbyTentacleId');
    expect(toOrder({ ...good, standbyTentacleId: '2' }, '1', source)).toMatchObject({
      tentacleId: '1',
      standbyTentacleId: '2',
    });
  });
});

describe('the standby', () => {
  const here = aTentacle({ site: 'berlin' });
  const munich = aTentacle({ id: '2', name: 'Munich', site: 'munich', online: false });
  const cellar = aTentacle({ id: '4', name: 'Cellar', site: 'berlin' });

  it('is any other tentacle, first those of the same site', () => {
    const ids = (tentacle: typeof here) =>
      standbysOf(tentacle, [aServer(), here, munich, cellar]).map((node) => node.id);
    expect(ids(here)).toEqual(['4', '2']);
    expect(ids(aTentacle({ site: undefined }))).toEqual(['2', '4']);
    expect(standbysOf(here, [here, aServer()])).toEqual([]);
  });

  it('of no site is near nobody', () => {
    const [a, b] = [aTentacle({ id: '2', site: 'berlin' }), aTentacle({ id: '4', site: '' })];
    expect(standbysOf(aTentacle({ site: '' }), [a, b])).toEqual([a, b]);
  });

  it('may be none, and one that is gone stays chosen', () => {
    const choices = [
      { value: '', label: 'None' },
      { value: '4', label: 'Cellar' },
      { value: '2', label: 'Munich (offline)' },
    ];
    expect(standbyChoices([cellar, munich], '2')).toEqual(choices);
    expect(standbyChoices([cellar, munich], '5')).toEqual([
      ...choices,
      { value: '5', label: 'A tentacle that is gone' },
    ]);
    expect(standbyChoices([], '')).toHaveLength(1);
  });
});

it('a refusal of the backend finds its field', () => {
  expect(formField('standbyTentacleId')).toBe('standbyTentacleId');
  expect(formField('disk.serial')).toBe('diskSerial');
  expect(formField('tentacleId')).toBeNull();
});

describe('sourceOf', () => {
  it('takes an image with its system, or a system without an image', () => {
    expect(sourceOf('3', [anImage()])).toEqual({ osType: 'linux-image', imageId: '3' });
    expect(sourceOf('os:debian-preseed', [])).toEqual({ osType: 'debian-preseed' });
    expect(sourceOf('4', [anImage()])).toBeNull();
  });

  it('asks for a password where nobody could sign in without one', () => {
    expect(needsPassword({ osType: 'windows', imageId: '3' })).toBe(true);
    expect(needsPassword({ osType: 'debian-preseed' })).toBe(false);
    expect(
      toOrder({ ...good, adminPassword: 's3cret' }, '1', { osType: 'windows', imageId: '3' }),
    ).toMatchObject({ adminPassword: 's3cret' });
  });

  it('has one made where there must be one and none is given', () => {
    expect(toOrder(good, '1', { osType: 'windows', imageId: '3' })).toMatchObject({
      generateAdminPassword: true,
    });
    expect(toOrder(good, '1', { osType: 'debian-preseed' })).not.toHaveProperty(
      'generateAdminPassword',
    );
  });
});
