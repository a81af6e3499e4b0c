// A server that has a cluster clock and nothing else, over real sockets: port 0, a thread and links of its
// own. View and leader are told by hand.
#pragma once

#include "clocksync/clock/clock_driver.hpp"

#include <future>

namespace stadion::support {

class clock_server {
public:
    static constexpr clocksync::ring_key key = 4711;

    explicit clock_server(double drift_ppm) : peers_(home(), "frontend", "") {
        clocksync::clock_driver_options options;
        options.drift_ppm = drift_ppm;
        clock_ = std::make_shared<clocksync::clock_driver>(home(), peers_, options);
        clock_->set_ring_key(key);
        clock_->add_to(server_);
        address_ = *server_.listen("127.0.0.1", 0);
    }
    ~clock_server() {
        run([this] {
            clock_->close();
            peers_.close();
        });
        server_.drain(std::chrono::seconds(1));
        threads_.stop();
    }

    net::worker& home() { return threads_.at(0); }
    const std::string& address() const { return address_; }
    const clocksync::clock_driver& clock() const { return *clock_; }

    void enter(clocksync::server_id self, const clocksync::fleet_view& view,
               std::map<clocksync::server_id, std::string> addresses) {
        addresses.erase(self);
        run([&] {
            peers_.follow(addresses);
            clock_->on_view(self, view);
        });
    }
    void follow(clocksync::epoch_number epoch, clocksync::server_id leader) {
        run([&] { clock_->on_leader(epoch, leader); });
    }

    // As anybody could, over a connection of its own.
    wire::result<std::string> ask(std::uint16_t method, const std::string& body) {
        std::promise<wire::result<std::string>> answered;
        std::shared_ptr<net::link> stranger;
        run([&] {
            stranger = std::make_shared<net::link>(home(), net::link_options{});
            stranger->connect({address_});
            stranger->call(method, body, {}, [&](auto got) {
                if (got)
                    answered.set_value(std::string(got->body));
                else
                    answered.set_value(got.error());
            });
        });
        auto answer = answered.get_future().get();
        run([&] { stranger->close(); });
        return answer;
    }

private:
    void run(const std::function<void()>& what) {
        std::promise<void> done;
        home().post([&] {
            what();
            done.set_value();
        });
        done.get_future().wait();
    }

    net::runtime threads_{1};
    net::server server_{threads_, "frontend", net::access_policy{}};
    net::peer_links peers_;
    std::shared_ptr<clocksync::clock_driver> clock_;
    std::string address_;
};

} // namespace stadion::support
