"""The ids of all defined metrics, measured already or not: what the guide may speak of besides the catalogue."""

from __future__ import annotations

from typing import Final

_IDS = """
    win_rate close_rate sales_cycle_days average_deal_size bookings sales_velocity quota_attainment quota_attainment_rate
    rep_ramp_months win_loss_reasons
    open_pipeline weighted_pipeline pipeline_coverage pipeline_efficiency stage_conversion time_in_stage_days slip_rate
    pipeline_waterfall stale_opportunities
    activities_per_day prospect_meetings non_selling_share selling_time_share lead_response_minutes activity_mix_gap
    lead_conversion cac qualification_rate repeat_purchase_share customer_value_to_date cac_payback_months ltv ltv_cac nrr grr
    case_duration_days variants rework_share
    forecast_error_pct forecast_variance_pct forecast_attainment_pct forecast_bias wape forecast_value_added
"""
TERMS: Final = frozenset(_IDS.split())
