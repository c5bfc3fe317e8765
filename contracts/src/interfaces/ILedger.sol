// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title ILedger
/// @notice The escrow between renters and providers. A renter has one deposit; it books part of it for a provider in a
/// lane; the provider redeems the renter's cumulative vouchers from that lane. Nothing here has an owner, and nothing
/// can be paused or replaced.
///
/// Words. `cap`: the total ever booked in a lane. `paid`: the total ever redeemed from it. What is locked now is
/// cap - paid. `delay`: how long a renter must wait between saying that it takes money back and taking it.
///
/// The promise to a provider: a voucher whose `cumulative` is within `cap`, on a lane with no release running, signed
/// by the renter or by a session key whose `until` is at least `delay` ahead, can be redeemed for the whole `delay`
/// from that moment on, whatever the renter signs, revokes or withdraws.
///
/// Lane numbers. A session key may use only lanes whose upper 32 bits are the lower 32 bits of its address, so two
/// controllers of one renter never share a lane and a stolen key reaches its own lanes only. The account itself may
/// use any lane.
interface ILedger {
    /// @notice Money of one account, as renter (`deposit`) and as provider (`earned`). One storage slot.
    /// @param deposit not booked in any lane, smallest unit of the token
    /// @param earned redeemed and not yet withdrawn
    /// @param exitAt when an exit that was asked for matures; 0: none. Void one WINDOW later.
    /// @param gap unused, zero
    struct Account {
        uint96 deposit;
        uint96 earned;
        uint40 exitAt;
        uint24 gap;
    }

    /// @notice Money booked by one renter for one provider. One storage slot, never emptied once used.
    /// @param cap total ever booked; cap - paid is locked now
    /// @param paid total ever redeemed
    /// @param releaseAt when a release that was started matures; 0: none. Void one WINDOW later.
    /// @param epoch raised by each release and waiver; a signed Reserve is good for one epoch only
    struct Lane {
        uint96 cap;
        uint96 paid;
        uint40 releaseAt;
        uint24 epoch;
    }

    /// @notice A session key of an account. One storage slot, never emptied once used.
    /// @param allowance total that the key may ever book (not what is left: that is allowance - booked)
    /// @param until the last second at which its signatures count
    /// @param booked total that it has booked
    struct Signer {
        uint96 allowance;
        uint40 until;
        uint96 booked;
    }

    /// @notice Where an account's earnings go.
    /// @param to in force until changesAt; zero: the account itself
    /// @param changesAt when `next` takes over; 0: never
    /// @param next what takes over; zero: the account itself
    struct Payout {
        address to;
        uint40 changesAt;
        address next;
    }

    /// @notice One lane to raise, see reserve.
    struct Res {
        address provider;
        uint64 lane;
        uint96 cap;
    }

    /// @notice A Reserve that the renter signed off chain (EIP-712, EIP-2098), see reserveFor.
    struct SignedRes {
        address renter;
        address provider;
        uint64 lane;
        uint24 epoch;
        uint96 cap;
        uint40 validUntil;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A voucher without its provider, which a batch names once, see redeem.
    struct V {
        address renter;
        uint64 lane;
        uint96 cumulative;
        bytes32 memo;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A lane seen from one of its parties.
    /// @param party the other one: the provider for a renter, the renter for a provider
    struct LaneRef {
        address party;
        uint64 lane;
    }

    /// @notice Derived from a Lane and the time, never stored.
    /// Unused: never booked. Open: redeemable, nothing running. Releasing: a release runs, not mature.
    /// Releasable: release() works now. A release that was not executed in its window is void: Open again.
    enum LaneStatus {
        Unused,
        Open,
        Releasing,
        Releasable
    }

    event Deposited(address indexed account, uint96 amount);
    event Reserved(address indexed renter, address indexed provider, uint64 lane, uint96 cap, uint24 epoch);
    event Redeemed(
        address indexed renter, address indexed provider, uint64 lane, uint96 paid, uint96 cumulative, bytes32 memo
    );
    event EarnedWithdrawn(address indexed account, address indexed to, uint96 amount);
    event Releasing(address indexed renter, address indexed provider, uint64 lane, uint40 releaseAt);
    event Released(address indexed renter, address indexed provider, uint64 lane, uint96 amount, uint24 epoch);
    event Waived(address indexed renter, address indexed provider, uint64 lane, uint96 amount, uint24 epoch);
    event ExitRequested(address indexed account, uint96 amount, uint40 exitAt);
    event Exited(address indexed account, address indexed to, uint96 amount);
    event SignerSet(address indexed account, address indexed key, uint96 allowance, uint40 until);
    event PayoutSet(address indexed account, address indexed to, uint40 changesAt);

    error ZeroAddress();
    error DelayOutOfRange(uint40 delay, uint40 least, uint40 most);
    error FeeOnTransfer(uint256 expected, uint256 received);
    error InsufficientDeposit(address account, uint256 deposit, uint256 needed);
    error InsufficientEarned(address account, uint256 earned, uint256 wanted);
    error ReserveExpired(uint40 validUntil, uint256 time);
    error WrongEpoch(address renter, address provider, uint64 lane, uint24 epoch, uint24 signed);
    error LaneWornOut(address renter, address provider, uint64 lane);
    error SignerNotValid(address account, address key, uint40 until);
    error SignerNotOnLane(address key, uint64 lane);
    error AllowanceExceeded(address account, address key, uint256 left, uint256 needed);
    error NotReleasable(address renter, address provider, uint64 lane, uint40 from, uint40 to);
    error NotExitable(address account, uint40 from, uint40 to);

    /// @notice The coin. Plain ERC-20: no fee on transfer, no rebasing.
    function token() external view returns (IERC20);

    /// @notice Seconds between the announcement and the execution of whatever takes money away from a provider's reach.
    function delay() external view returns (uint40);

    /// @notice Seconds after maturing in which a release or exit may be executed; void afterwards.
    function WINDOW() external view returns (uint40);

    function accounts(address account) external view returns (uint96 deposit, uint96 earned, uint40 exitAt, uint24 gap);

    /// @notice What requestExit asked for; paid is at most the deposit that is left.
    function exitAmount(address account) external view returns (uint96);

    function lanes(address renter, address provider, uint64 lane)
        external
        view
        returns (uint96 cap, uint96 paid, uint40 releaseAt, uint24 epoch);

    function signers(address account, address key) external view returns (uint96 allowance, uint40 until, uint96 booked);

    function payouts(address account) external view returns (address to, uint40 changesAt, address next);

    function laneStatus(address renter, address provider, uint64 lane) external view returns (LaneStatus);

    /// @notice Where `account`'s earnings go now.
    function payoutOf(address account) external view returns (address);

    /// @notice Until when `key` speaks for `account`: forever for the account itself, 0 if never authorised.
    function signerUntil(address account, address key) external view returns (uint40);

    /// @notice Whether `key` speaks or ever spoke for `account`. Once true, always true.
    function isSigner(address account, address key) external view returns (bool);

    /// @notice EIP-712 digests, for clients to compare their own with.
    function voucherDigest(address renter, address provider, uint64 lane, uint96 cumulative, bytes32 memo)
        external
        view
        returns (bytes32);

    function reserveDigest(address renter, address provider, uint64 lane, uint24 epoch, uint96 cap, uint40 validUntil)
        external
        view
        returns (bytes32);

    /// @notice Moves `amount` from the caller into the deposit of `to`.
    /// Reverts with FeeOnTransfer if another amount arrives.
    function deposit(address to, uint96 amount) external;

    /// @notice deposit() with the caller's EIP-2612 permit. A permit that somebody else has submitted first is no
    /// obstacle: what counts is the allowance.
    function depositWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice The caller raises the caps of its own lanes to the given totals. A cap not above the present one changes
    /// nothing. A running release goes on: what is added now is released with the rest.
    function reserve(Res[] calldata list) external;

    /// @notice Books Reserves that renters signed; anybody may submit them. Each must name the lane's present epoch and
    /// be unexpired. Signed by a session key it uses up that key's allowance by what is newly booked. All or nothing.
    function reserveFor(SignedRes[] calldata list) external;

    /// @notice Redeems vouchers to `provider`; anybody may submit them, only the provider is credited. Each pays
    /// min(cumulative, cap) - paid. A voucher that pays nothing is passed over, so a replay is harmless.
    /// @return sum credited to the provider's `earned`
    function redeem(address provider, V[] calldata vouchers) external returns (uint256 sum);

    /// @notice Sends part of the caller's earnings to its payout address.
    function withdrawEarned(uint96 amount) external;

    /// @notice Sends all earnings of `account` to its payout address; anybody may pay the gas.
    function withdrawEarnedFor(address account) external;

    /// @notice Changes the caller's payout address, `delay` from now; zero means the caller itself. Until then the old
    /// one stays in force and anybody may flush the earnings there. A second call before that starts anew.
    function setPayout(address to) external;

    /// @notice The caller starts (or restarts) the release of its lanes: executable from `delay` from now on, during
    /// one WINDOW. Their providers have until then to redeem.
    function startRelease(LaneRef[] calldata list) external;

    /// @notice Returns what is locked in the renter's mature lanes to its deposit and raises their epochs.
    /// Anybody may call it; the renter has asked for it.
    function release(address renter, LaneRef[] calldata list) external;

    /// @notice The caller, a provider, gives what is locked for it back at once and raises the epochs.
    /// Only the account itself: a session key that could waive would let whoever stole it from a provider's machine
    /// wipe out unredeemed vouchers.
    function waive(LaneRef[] calldata list) external;

    /// @notice The caller announces that it takes `amount` of its deposit out, `delay` from now. Replaces an earlier
    /// announcement; 0 takes it back.
    function requestExit(uint96 amount) external;

    /// @notice Pays what requestExit announced, at most the deposit left, during one WINDOW after it matured. What is
    /// booked in lanes is out of reach.
    function exit(address to) external;

    /// @notice Authorises, prolongs, shortens or revokes a session key of the caller. `allowance` is the total the key
    /// may ever book and counts at once. `until` counts at once when it is later than before; when it is earlier, the
    /// key stays good for another `delay` (vouchers only: set `allowance` to 0 and it books nothing more).
    /// Revoke: setSigner(key, 0, 0).
    function setSigner(address key, uint96 allowance, uint40 until) external;
}
