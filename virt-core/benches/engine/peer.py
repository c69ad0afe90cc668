"""Times the calls of a stock libvirtd: one call for each line of the input, seconds for each on the output."""
import libvirt
import sys
from time import perf_counter

connection = libvirt.open(sys.argv[1])
xml, document = sys.argv[2], sys.argv[3]
libvirt.registerErrorHandler(lambda *_: None, None)
running, defined = {}, []


def named(name):
    return xml.replace("<name>minimal<", f"<name>{name}<", 1)


def start(name):
    running[name] = connection.createXML(named(name), libvirt.VIR_DOMAIN_START_PAUSED)


def destroy(name):
    running.pop(name).destroy()


def define(count):
    for i in range(int(count)):
        defined.append(connection.defineXML(named(f"bench-{i}")))


def undefine():
    for domain in defined:
        domain.undefine()
    defined.clear()


def native():
    connection.domainXMLToNative("qemu-argv", document)


def list_all():
    connection.listAllDomains()


verbs = {"start": start, "destroy": destroy, "define": define, "undefine": undefine, "native": native, "list": list_all}
print("ready", flush=True)
try:
    for line in sys.stdin:
        verb, *args = line.split()
        begin = perf_counter()
        try:
            verbs[verb](*args)
            print(perf_counter() - begin, flush=True)
        except libvirt.libvirtError as error:
            print("error", error, flush=True)
finally:
    for domain in [*running.values(), *defined]:
        try:
            domain.destroy() if domain.isActive() else domain.undefine()
        except libvirt.libvirtError:
            pass
