/** Property tests that name no seed of their own take FUZZ_SEED too: where it is set, as in CI, a run is like the last. */

import fc from 'fast-check';

const { FUZZ_SEED: seed } = process.env;
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
