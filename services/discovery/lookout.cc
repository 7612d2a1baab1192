#include "services/discovery/lookout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "services/discovery/device_message.h"
#include "services/discovery/report.h"

namespace tentacle::discovery {

Lookout::Lookout(const runtime::Clock& clock,
                 DeviceTable& table,
                 Reporter& reporter,
                 Metrics& metrics,
                 runtime::Log log)
    : clock_(clock), table_(table), reporter_(reporter), metrics_(metrics), log_(std::move(log)) {}

void Lookout::Hear(const FrameReport& report) {
  const absl::Time now = clock_.Now();
  if (report.device) HearDevice(*report.device, now);
  if (report.dhcp) HearServer(*report.dhcp, now);
  if (!report.neighbour || !neighbours_.Observe(*report.neighbour, now)) return;
  ++segment_revision_;
  log_.Info("discovery.neighbour", {{"interface", report.neighbour->interface},
                                    {"name", report.neighbour->name},
                                    {"port", report.neighbour->port},
                                    {"protocol", SourceName(report.neighbour->protocol)}});
}

void Lookout::HearDevice(const Observation& observation, absl::Time now) {
  const bool awaited = on_device_ && on_device_(observation);
  // Who answers a question of ours is not made up in bulk: there is one question an address.
  const bool unasked = !awaited && table_.Find(observation.mac) == nullptr;
  const bool suspect = unasked && flood_.OnNewCard(now);
  const Change change = table_.Observe(observation, now, suspect);
  metrics_.Observed(change.kind);
  metrics_.SetDevices(table_.size());
  if (observation.address != 0 && observation.source == Source::kArp) Claim(observation, now);
  Note(change);
}

void Lookout::Note(const Change& change) {
  if (change.forgotten) {
    metrics_.Forgotten();
    reporter_.NoteForgotten(*change.forgotten);
  }
  const Device& device = change.device;
  if (change.kind == ChangeKind::kSeenAgain || device.suspect) return;
  reporter_.NoteChanged(device.mac);
  if (change.kind == ChangeKind::kLearned) return;
  const bool appeared = change.kind == ChangeKind::kAppeared;
  log_.Info(appeared ? "discovery.device_appeared" : "discovery.device_moved",
            {{"mac", device.mac.ToString()},
             {"ip", AddressText(device.address)},
             {"interface", device.interface},
             {"vendor", device.vendor}});
}

void Lookout::Claim(const Observation& observation, absl::Time now) {
  const auto conflict = addresses_.Claim(observation.address, observation.mac, now);
  if (!conflict) return;
  const std::string_view kind = ConflictKindName(conflict->kind);
  metrics_.Alerted(kind);
  log_.Warning("discovery.address_conflict", {{"kind", kind},
                                              {"ip", AddressText(conflict->address)},
                                              {"before", conflict->before.ToString()},
                                              {"mac", conflict->after.ToString()}});
  reporter_.Tell("network.alert", conflict->after.ToString(), ConflictBody(*conflict, now));
  // Two hosts that were given one address are a mistake; who takes the gateway's is to be doubted.
  if (conflict->kind == ConflictKind::kGatewayChanged) table_.SetSuspect(conflict->after);
}

void Lookout::HearServer(const DhcpSighting& sighting, absl::Time now) {
  if ((sighting.ack || sighting.taken) && sighting.address != 0 && sighting.in_segment) {
    const Lease lease{sighting.address, sighting.server, sighting.lease, now, sighting.ack};
    if (table_.SetLease(sighting.client, lease)) reporter_.NoteChanged(sighting.client);
  }
  const auto alert = servers_.Observe(sighting, listed_servers_, now);
  if (!alert) return;
  metrics_.Alerted("rogue-dhcp");
  const std::string mac = sighting.server_mac.ToString();
  log_.Warning("discovery.rogue_dhcp",
               {{"ip", AddressText(alert->server.address)},
                {"mac", mac},
                {"interface", sighting.interface},
                {"reason", fmt::format("{}", fmt::join(alert->reasons, ","))}});
  reporter_.Tell("dhcp.rogue", mac, RogueBody(*alert, now));
}

void Lookout::Tick(absl::Time listening_since, const PresenceRules& rules) {
  const absl::Time now = clock_.Now();
  for (const Change& change : table_.CheckPresence(now, listening_since, rules)) {
    if (!change.device.suspect) reporter_.NoteChanged(change.device.mac);
  }
  if (neighbours_.Expire(now)) ++segment_revision_;
  const auto flood = flood_.TakeNews(now);
  if (!flood) return;
  metrics_.Alerted(flood->over ? "flood-over" : "flood");
  log_.Warning("discovery.card_flood", {{"cards", flood->cards}, {"over", flood->over}});
  reporter_.Tell("network.alert", "", FloodBody(flood->started, flood->cards, flood->over, now));
}

}  // namespace tentacle::discovery
