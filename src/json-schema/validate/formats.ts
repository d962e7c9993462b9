/** The formats worth checking, none with a repeat that could backtrack. Others pass. */

const date = /^(\d{4})-(\d{2})-(\d{2})$/;
const time = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,12})?(z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${byte}(\\.${byte}){3}$`);

const isDate = (text: string): boolean => {
  const [, year, month, day] = date.exec(text) ?? [];
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= days;
};

const isEmail = (text: string): boolean => {
  const at = text.lastIndexOf('@');
  return at > 0 && at < text.length - 1 && text.length <= 320 && !/\s/.test(text);
};

const checks: ReadonlyMap<unknown, (text: string) => boolean> = new Map([
  ['date', isDate],
  ['time', (text) => time.test(text)],
  [
    'date-time',
    (text) => isDate(text.slice(0, 10)) && /^[Tt ]$/.test(text.charAt(10)) && time.test(text.slice(11)),
  ],
  ['email', isEmail],
  ['ipv4', (text) => ipv4.test(text)],
  ['uri', (text) => text.length <= 8192 && URL.canParse(text)],
  ['uuid', (text) => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text)],
]);

export const fitsFormat = (format: unknown, text: string): boolean => checks.get(format)?.(text) ?? true;
