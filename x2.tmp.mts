import { readFileSync } from 'node:fs';
import { cutLongTexts } from './src/openai/long-texts.ts';
const body = readFileSync('/tmp/micro/history.json');
const time = (name: string, f: () => unknown) => { for (let i=0;i<500;i++) f(); const t=performance.now(); for (let i=0;i<3000;i++) f(); console.log(name, ((performance.now()-t)/3).toFixed(1),'us'); };
for (let i=0;i<3;i++) time('cut', () => cutLongTexts(body, 0));
