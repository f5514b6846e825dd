// Stops a lab's VMs and starts them again by way of the library, and prints what it said. Arguments: the library, a lab's
// name, the VM that is stopped.
const [library, lab, vm] = process.argv.slice(2);
const { openHost, startLabVms, stopLabVms } = await import(library);

const host = openHost();
try {
  const refused = await stopLabVms(lab, host, { vms: ['nobody'] }).catch(error => error.code);
  const stopped = await stopLabVms(lab, host, { vms: [vm], seconds: null });
  const again = await stopLabVms(lab, host, { vms: [vm], seconds: null });
  const started = await startLabVms(lab, host);
  console.log(JSON.stringify({ refused, stopped, again, started }));
} finally {
  await host.close();
}
