#include "net/rpc/peer_links.hpp"

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

link_options options_of(std::string node, std::string token) {
    link_options options;
    options.role = "server";
    options.node = std::move(node);
    options.token = std::move(token);
    options.peer_proves_itself = true;
    options.connect_within = 500ms;
    options.reconnect_first = 5ms;
    options.reconnect_max = 200ms;
    return options;
}

} // namespace

peer_links::peer_links(worker& home, std::string node, std::string token)
    : home_(home), options_(options_of(std::move(node), std::move(token))) {}

peer_links::~peer_links() { close(); }

void peer_links::follow(const std::map<std::uint32_t, std::string>& addresses) {
    for (auto at = peers_.begin(); at != peers_.end();) {
        const auto wanted = addresses.find(at->first);
        if (wanted != addresses.end() && wanted->second == at->second.address) {
            ++at;
            continue;
        }
        at->second.connection->on_state = nullptr;
        at->second.connection->close();
        at = peers_.erase(at);
    }
    for (const auto& [id, address] : addresses)
        if (!peers_.contains(id)) open(id, address);
}

void peer_links::open(std::uint32_t server_id, const std::string& address) {
    auto& one = peers_[server_id];
    one.address = address;
    one.connection = std::make_shared<link>(home_, options_);
    one.connection->on_state = [this, server_id](bool ready) { changed(server_id, ready); };
    one.connection->connect({address});
}

void peer_links::changed(std::uint32_t server_id, bool ready) {
    const auto found = peers_.find(server_id);
    if (found == peers_.end() || std::exchange(found->second.up, ready) == ready) return;
    if (const auto& tell = ready ? on_up : on_down) tell(server_id);
}

void peer_links::call(std::uint32_t server_id, std::uint16_t method, std::string_view body,
                      const call_options& how, link::reply_handler on_reply) {
    const auto found = peers_.find(server_id);
    if (found == peers_.end())
        return on_reply(wire::make_error(wire::status::unavailable,
                                         "server " + std::to_string(server_id) + " is not in the fleet"));
    found->second.connection->call(method, body, how, std::move(on_reply));
}

std::string peer_links::address_of(std::uint32_t server_id) const {
    const auto found = peers_.find(server_id);
    return found == peers_.end() ? std::string() : found->second.address;
}

} // namespace stadion::net
