import { describe, expect, it } from 'vitest';

import { aTentacle } from '@/testing/builders';

import { checkFields, formField, type PrepullFields, sitesOf, toOrder } from './prepull-form';

const FIELDS: PrepullFields = {
  imageId: '3',
  where: 'tentacle',
  tentacleId: '1',
  site: '',
  notBefore: '',
  deadline: '',
  windows: '',
  timeZone: 'Europe/Berlin',
};

describe('what is typed', () => {
  it.each(['Tue 07:00', 'sun 7:30', '2026-12-01T07:00:00Z', '2026-12-01T07:00:00+01:00'])(
    '"%s" is a time',
    (deadline) => expect(checkFields({ ...FIELDS, deadline })).toEqual({}),
  );

  it.each(['tomorrow', '07:00', 'Tuesday 07:00', '2026-12-01 07:00'])('"%s" is none', (text) => {
    expect(checkFields({ ...FIELDS, deadline: text }).deadline).toContain('Tue 07:00');
    expect(checkFields({ ...FIELDS, notBefore: text }).notBefore).toContain('Tue 07:00');
  });

  it('a place and an image have to be chosen, windows have a form', () => {
    const found = checkFields({ ...FIELDS, imageId: '', tentacleId: '', windows: 'at night' });
    expect(Object.keys(found)).toEqual(['imageId', 'tentacleId', 'windows']);
    expect(Object.keys(checkFields({ ...FIELDS, where: 'site' }))).toEqual(['site']);
  });
});

describe('the order', () => {
  it('leaves out what was left empty', () => {
    expect(toOrder(FIELDS)).toEqual({
      imageId: '3',
      tentacleIds: ['1'],
      timeZone: 'Europe/Berlin',
    });
    expect(toOrder({ ...FIELDS, timeZone: ' ' }).timeZone).toBe('UTC');
  });

  it('names the site instead of a tentacle, and each window of a line', () => {
    const order = toOrder({
      ...FIELDS,
      where: 'site',
      site: 'berlin',
      notBefore: ' Mon 18:00 ',
      deadline: 'Tue 07:00',
      windows: 'Mon-Fri 22:00-06:00\n\nSat,Sun 00:00-24:00\n',
    });
    expect(order).toEqual({
      imageId: '3',
      site: 'berlin',
      notBefore: 'Mon 18:00',
      deadline: 'Tue 07:00',
      windows: ['Mon-Fri 22:00-06:00', 'Sat,Sun 00:00-24:00'],
      timeZone: 'Europe/Berlin',
    });
  });

  it('a refusal of the backend finds its field', () => {
    expect(formField('tentacleIds')).toBe('tentacleId');
    expect(formField('deadline')).toBe('deadline');
    expect(formField('somethingElse')).toBeNull();
  });
});

it('sites are counted and ordered by name', () => {
  const at = (id: string, site?: string) => aTentacle({ id, site });
  expect(sitesOf([at('1', 'munich'), at('2', 'berlin'), at('3'), at('4', 'berlin')])).toEqual([
    ['berlin', 2],
    ['munich', 1],
  ]);
});
