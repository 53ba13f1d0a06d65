// The host's handler of IOMMU faults: the event's interrupt, then one record after the other is read, reported and cleared.
//
// Modelled: the interrupt on its core when the event's message arrives, and its time; while it waits and works, further faults fill
// the recording registers, and those beyond are lost (Iommu). Not modelled: the message's own time on the way (the unit sits beside
// the cores), the log that printk writes, its rate limit, recovery of the device (Linux does nothing but print).
// Source: drivers/iommu/intel/dmar.c, dmar_fault.
#pragma once
#include "models/base/agenda.h"
#include "models/cpu/core.h"
#include "models/iommu/iommu.h"

namespace gd {

class IommuFaultHandler : public Actor, public Task, public IommuFaultSink {
 public:
  // Cost: iommu.fault (per event; its unit: per record).
  IommuFaultHandler(Agenda& agenda, std::uint32_t actor_rank, Iommu& iommu, CostBook& costs)
      : Actor(agenda, actor_rank), Task("irq", Priority::irq), iommu_(iommu), cost_(costs.get("iommu.fault")) {}
  void faulted(Time at) override { wake_at(at); }
  void act(Time now) override { Task::wake(now); }
  bool step(Step& s) override {
    s.charge(cost_, iommu_.take_fault_records());
    return false;
  }

 private:
  Iommu& iommu_;
  Cost cost_;
};

}  // namespace gd
