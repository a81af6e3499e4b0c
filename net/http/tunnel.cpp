#include "net/http/tunnel.hpp"

#include "net/loop/owned_by_worker.hpp"

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr auto silence_check_every = 15s;
constexpr auto silence_max = 75s;

class tunnel_end final : public connection::protocol {
public:
    tunnel_end(connection& link, std::shared_ptr<connection> other) : link_(link), other_(std::move(other)) {
        link_.home().arm(silence_, silence_check_every);
    }

    std::size_t on_bytes(std::string_view bytes) override {
        if (!other_ || !other_->takes_input()) {
            link_.close_when_sent();
            return bytes.size();
        }
        other_->output() += bytes;
        other_->flush();
        if (other_->is_congested()) link_.pause_reading();
        return bytes.size();
    }

    void on_drained() override {
        if (other_) other_->resume_reading();
    }

    void on_closed() override {
        silence_.disarm();
        if (const auto other = std::exchange(other_, nullptr)) other->close_when_sent();
    }

    void drain() override {
        link_.close_when_sent();
        if (other_) other_->close_when_sent();
    }

private:
    // A side that is not read, because the other is slow, does not count as silent. The slow side has the
    // deadline for stalled writes.
    void on_silence() {
        const auto silent = deadline_wheel::clock::now() - link_.last_read();
        const bool is_held = other_ && other_->is_congested();
        if (silent >= silence_max && !is_held) return link_.close();
        link_.home().arm(silence_, silence_check_every);
    }

    connection& link_;
    std::shared_ptr<connection> other_; // each end keeps the other alive, until one is closed
    member_deadline<tunnel_end, &tunnel_end::on_silence> silence_{*this};
};

} // namespace

std::unique_ptr<connection::protocol> make_tunnel(connection& client, tcp::socket server) {
    auto other = make_owned_by<connection>(client.home(), client.home(), std::move(server),
                                           connection::side::connected);
    other->start(std::make_unique<tunnel_end>(*other, client.shared_from_this()));
    return std::make_unique<tunnel_end>(client, std::move(other));
}

} // namespace stadion::net
