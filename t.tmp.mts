import { startSimulator } from './src/simulator/index.ts';
const s = await startSimulator({anthropicPort: 4101, bedrockPort: 4102}); console.log(s.anthropicUrl, s.bedrockUrl);
