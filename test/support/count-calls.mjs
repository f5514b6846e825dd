// Counts the calls to libvirt, and the programs started, that it takes to define a lab's guests, to find that they are
// defined, and to remove them.
// Guests are not started: the phase that would is taken out of the plan. Arguments: the library, a lab file.
const [library, file] = process.argv.slice(2);
const { applyPlan, destroyLab, loadLab, openHost, planChanges } = await import(library);

const lab = await loadLab(file);
const counted = {};
for (const [stage, work] of Object.entries({ define, again: define, destroy })) {
  const calls = {};
  const programs = {};
  const host = openHost({ trace: ({ what }) => count(calls, programs, what) });
  try {
    await work(host);
  } finally {
    await host.close();
  }
  counted[stage] = { calls, programs };
}
console.log(JSON.stringify(counted));

async function define(host) {
  const change = await planChanges(lab, host, { yes: true });
  const phases = change.plan.phases.filter(phase => phase.name !== 'start');
  await applyPlan({ ...change, plan: { ...change.plan, phases } }, host);
}

async function destroy(host) {
  await destroyLab(lab.name, host);
}

/** A call is told as `libvirt: define domain NAME`, a program by its argv; the rest are looks at sysctls and the like. */
function count(calls, programs, what) {
  const call = /^libvirt: (.*? domain)\b|^libvirt: (.*)/.exec(what);
  const name = call?.[1] ?? call?.[2];
  if (name) calls[name] = (calls[name] ?? 0) + 1;
  else programs[what.split(' ')[0]] = (programs[what.split(' ')[0]] ?? 0) + 1;
}
