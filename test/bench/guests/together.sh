# sh together.sh HOW COUNT FOLDER LOGS: starts the guests that FOLDER describes, and waits until each says that it is up.
set -e
how=$1 count=$2 folder=$3 logs=$4
rm -f "$logs"/*.log
case $how in
  vmnet) "$NODE" "$CLI" --quiet provision --yes --no-verify "$folder/lab.json" ;;
  floor)
    pids=
    for xml in "$folder"/*.xml; do
      virsh --quiet create "$xml" > /dev/null &
      pids="$pids $!"
    done
    for pid in $pids; do wait "$pid"; done
    ;;
  script)
    for xml in "$folder"/*.xml; do
      name=$(basename "$xml" .xml)
      virsh --quiet define "$xml" > /dev/null
      virsh --quiet start "$name" > /dev/null
    done
    ;;
  virt-install)
    # One guest a line: its name, memory, kernel, initrd, MAC, tap and log, and what is left is the kernel's words.
    while read -r name memory kernel initrd mac tap log words; do
      virt-install --quiet --name "$name" --memory "$memory" --vcpus 1 --virt-type qemu --osinfo detect=off,require=off --import \
        --boot "kernel=$kernel,initrd=$initrd,kernel_args=$words" \
        --disk none --graphics none --noautoconsole --machine q35 --memballoon none --controller usb,model=none \
        --network "type=ethernet,mac=$mac,target.dev=$tap,model=virtio,xpath0.set=./target/@managed,xpath0.value=no" \
        --serial "pty,log.file=$log,log.append=off" < /dev/null > "$folder/virt-install.log" 2>&1 ||
        { cat "$folder/virt-install.log" >&2; exit 1; }
    done < "$folder/guests"
    ;;
esac
began=$(date +%s)
until [ "$(grep -l 'vmnet-probe: up' "$logs"/*.log 2> /dev/null | wc -l)" -ge "$count" ]; do
  [ $(($(date +%s) - began)) -lt 600 ] || {
    echo "after ten minutes only these are up: $(grep -l 'vmnet-probe: up' "$logs"/*.log)" >&2
    exit 1
  }
  sleep 0.02
done
